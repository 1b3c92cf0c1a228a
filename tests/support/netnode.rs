//! A node in a host of the [`NetLab`](super::netlab::NetLab): on the usual port, on all the
//! host's interfaces.

use std::path::PathBuf;
use std::process::Child;

use super::netlab::Host;
use super::wait_until;

/// A running node; killed when dropped.
pub struct HostNode<'h> {
    pub host: &'h Host,
    child: Child,
    log: PathBuf,
}

impl<'h> HostNode<'h> {
    /// Starts the node, saying everything, and waits until it has listed its files.
    #[track_caller]
    pub fn start(host: &'h Host, args: &[&str]) -> Self {
        Self::start_quietly(host, &[args, &["-vv"]].concat())
    }

    /// The same with no more in its log than usual.
    #[track_caller]
    pub fn start_quietly(host: &'h Host, args: &[&str]) -> Self {
        let log = host.home.join("log");
        let file = std::fs::File::create(&log).unwrap();
        let child = host
            .command(env!("CARGO_BIN_EXE_boucan"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &host.home)
            .arg(host.home.join("loot"))
            .args(["--state".as_ref(), host.home.join("state").as_os_str()])
            .args(["--name", &host.name, "--reserve", "0"])
            .args(args)
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        let node = Self { host, child, log };
        wait_until(&format!("{} serves its index", host.name), || node.page("healthz").contains("\"status\":\"ok\""));
        node
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// One of its pages, as the host itself sees it.
    pub fn page(&self, target: &str) -> String {
        self.host.get(&format!("http://127.0.0.1:12555/{target}"))
    }

    /// How many neighbours it has.
    pub fn neighbours(&self) -> usize {
        let health = self.page("healthz");
        let count = health.split_once("\"neighbours\":").map_or("0", |(_, rest)| rest);
        count.split(',').next().and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// Waits until it shows a neighbour of that name, and what that neighbour offers.
    #[track_caller]
    pub fn hears(&self, other: &Host) {
        let line = format!(">{}</a>", other.name);
        wait_until(&format!("{} hears {}", self.host.name, other.name), || {
            let page = self.page("");
            page.split_once(&line)
                .is_some_and(|(_, card)| !card.split("</li>").next().unwrap().contains("not known yet"))
        });
    }

    /// Waits until it logged these words since it had logged so many bytes.
    #[track_caller]
    pub fn says_after(&self, bytes: usize, words: &str) {
        wait_until(&format!("{} says {words}", self.host.name), || {
            self.log().get(bytes..).is_some_and(|new| new.contains(words))
        });
    }

    /// Waits until a file stands under its name with that content.
    #[track_caller]
    pub fn has(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.host.loot(name);
        wait_until(&format!("{name} arrives at {}", self.host.name), || {
            std::fs::read(&path).is_ok_and(|found| found == content.as_ref())
        });
    }
}

impl Drop for HostNode<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of {} ---\n{}", self.host.name, self.log());
        }
    }
}
