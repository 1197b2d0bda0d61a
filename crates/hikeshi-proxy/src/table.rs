//! All routes, found by host and path.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use crate::ask::{Flaw, PathStart, ROUTES_MAX, RouteAsked, RouteName};
use crate::route::Route;

#[derive(Default)]
pub struct Table {
    routes: RwLock<Arc<Routes>>,
}

#[derive(Default)]
struct Routes {
    all: BTreeMap<RouteName, Arc<Route>>,
    /// The longest path first.
    by_host: HashMap<String, Vec<(PathStart, Arc<Route>)>>,
    /// Of the routes that name no host.
    others: Vec<(PathStart, Arc<Route>)>,
    passthrough: HashMap<String, Arc<Route>>,
}

impl Routes {
    fn of(all: BTreeMap<RouteName, Arc<Route>>) -> Self {
        let mut routes = Self { all, ..Self::default() };
        for route in routes.all.values() {
            let asked = route.asked();
            if asked.hosts.is_empty() {
                routes.others.push((asked.path.clone(), Arc::clone(route)));
            }
            for host in &asked.hosts {
                if asked.tls_passthrough {
                    routes.passthrough.insert(host.to_string(), Arc::clone(route));
                } else {
                    routes.by_host.entry(host.to_string()).or_default().push((asked.path.clone(), Arc::clone(route)));
                }
            }
        }
        for list in routes.by_host.values_mut().chain([&mut routes.others]) {
            list.sort_by_key(|(path, _)| std::cmp::Reverse(path.as_str().len()));
        }
        routes
    }
}

impl Table {
    fn read(&self) -> Arc<Routes> {
        Arc::clone(&self.routes.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn all(&self) -> Vec<Arc<Route>> {
        self.read().all.values().cloned().collect()
    }

    pub fn named(&self, name: &RouteName) -> Option<Arc<Route>> {
        self.read().all.get(name).cloned()
    }

    /// `host` without a port, in small letters.
    pub fn find(&self, host: &str, path: &str) -> Option<Arc<Route>> {
        let routes = self.read();
        let fits =
            |list: &Vec<(PathStart, Arc<Route>)>| list.iter().find(|(start, _)| start.begins(path)).map(|(_, route)| Arc::clone(route));
        routes.by_host.get(host).and_then(fits).or_else(|| fits(&routes.others))
    }

    pub fn passthrough(&self, name: &str) -> Option<Arc<Route>> {
        self.read().passthrough.get(name).cloned()
    }

    pub fn has_passthrough(&self) -> bool {
        !self.read().passthrough.is_empty()
    }

    /// A new route, or the same with other settings.
    pub fn put(&self, name: RouteName, asked: RouteAsked, secret: &[u8]) -> Result<Arc<Route>, Flaw> {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let mut all = routes.all.clone();
        self.taken(&all, &name, &asked)?;
        if let Some(known) = all.get(&name) {
            known.ask(asked);
        } else if all.len() >= ROUTES_MAX {
            return Err(Flaw { what: "route", why: format!("there are {ROUTES_MAX} already; remove one first") });
        } else {
            all.insert(name.clone(), Arc::new(Route::new(name.clone(), asked, secret)));
        }
        *routes = Arc::new(Routes::of(all));
        routes.all.get(&name).cloned().ok_or(Flaw { what: "route", why: "not there".to_owned() })
    }

    /// Two routes with the same host and path would be a guess.
    fn taken(&self, all: &BTreeMap<RouteName, Arc<Route>>, name: &RouteName, asked: &RouteAsked) -> Result<(), Flaw> {
        for other in all.values().filter(|other| other.name != *name) {
            let theirs = other.asked();
            let hosts_meet =
                if asked.hosts.is_empty() { theirs.hosts.is_empty() } else { asked.hosts.iter().any(|host| theirs.hosts.contains(host)) };
            if hosts_meet && (theirs.path == asked.path || theirs.tls_passthrough || asked.tls_passthrough) {
                return Err(Flaw { what: "hosts", why: format!("the route `{}` has the same host and path; remove it first", other.name) });
            }
        }
        Ok(())
    }

    pub fn remove(&self, name: &RouteName) -> Option<Arc<Route>> {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let mut all = routes.all.clone();
        let gone = all.remove(name)?;
        *routes = Arc::new(Routes::of(all));
        Some(gone)
    }
}
