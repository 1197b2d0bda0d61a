// A TCP proxy between browser and server that can be cut in both ways: connections that end, and connections that only fall silent.
import net from "node:net";

export class Proxy {
  #server;
  #pairs = new Set();
  #refusing = false;

  static async to(port) {
    const proxy = new Proxy();
    proxy.#server = net.createServer((inner) => proxy.#join(inner, port));
    await new Promise((done) => proxy.#server.listen(0, "127.0.0.1", done));
    proxy.port = proxy.#server.address().port;
    return proxy;
  }

  #join(inner, port) {
    if (this.#refusing) {
      inner.destroy();
      return;
    }
    const outer = net.connect(port, "127.0.0.1");
    const pair = { inner, outer, silent: false };
    this.#pairs.add(pair);
    const pass = (from, to) => {
      from.on("data", (bytes) => {
        if (!pair.silent) to.write(bytes);
      });
      from.on("close", () => {
        // A silent pair does not even say goodbye.
        if (!pair.silent) to.destroy();
        this.#pairs.delete(pair);
      });
      from.on("error", () => from.destroy());
    };
    pass(inner, outer);
    pass(outer, inner);
  }

  // Every connection ends, and new ones are refused, until `mend`.
  cut() {
    this.#refusing = true;
    for (const { inner, outer } of this.#pairs) {
      inner.destroy();
      outer.destroy();
    }
  }

  // Connections that are open pass nothing any more and do not end; new ones work. A laptop that moved to another network looks like this.
  silence() {
    for (const pair of this.#pairs) pair.silent = true;
  }

  mend() {
    this.#refusing = false;
  }

  async close() {
    this.cut();
    await new Promise((done) => this.#server.close(done));
  }
}
