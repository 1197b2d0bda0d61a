// Who and what is in the double's workspace: the team of the examples, seen from Slack.
const user = (id, name, real_name, email) => ({ id, team_id: "T0DOUBLE", name, real_name, deleted: false, is_bot: false, profile: { real_name, display_name: name, email } });
const channel = (id, name, rest = {}) => ({ id, name, is_channel: true, is_member: true, is_archived: false, is_private: false, messages: [], ...rest });
const group = (id, handle, name, users) => ({ id, team_id: "T0DOUBLE", is_usergroup: true, handle, name, date_delete: 0, users, user_count: users.length });

export function world() {
  return {
    team: { id: "T0DOUBLE", domain: "double" },
    users: [
      user("U0SATO", "sato", "佐藤 健", "sato@example.jp"),
      user("U0MORI", "mori", "森 彩", "mori@example.jp"),
      user("U0TANAKA", "tanaka", "田中 太郎", "tanaka@example.jp"),
      user("U0YAMADA", "yamada", "山田 花子", "yamada@example.jp"),
      user("U0SUZUKI", "suzuki", "鈴木 一郎", "suzuki@example.jp"),
      user("U0STRANGER", "stranger", "知らない人", "stranger@example.com"),
    ],
    channels: [
      channel("C0EMERGENCY", "emergency-deploy"),
      channel("C0INCIDENTS", "incidents"),
      channel("C0ELSEWHERE", "elsewhere", { is_member: false }),
    ],
    usergroups: [group("S0CTO", "cto", "CTO", ["U0SATO"]), group("S0DEVLEAD", "dev-lead", "開発責任者", ["U0MORI"])],
  };
}
