//! Hosts in network namespaces, joined by bridges: several interfaces, IPv6, interfaces that come
//! and go. Nothing of it touches the machine's own interfaces, and no privilege is needed where
//! users may make namespaces.
//!
//! One process holds a namespace with the bridges, another one each host's; each is a `cat` that
//! ends with its standard input, so nothing outlives the test.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A network of its own.
pub struct NetLab {
    bridges: Namespace,
    temp: TempDir,
}

/// A host of it; its interfaces come by [`NetLab::plug`].
pub struct Host {
    pub name: String,
    pub home: PathBuf,
    namespace: Namespace,
}

impl NetLab {
    /// A network without hosts; `None`, and a line that says why, where the system allows none.
    /// In CI that is a failure.
    pub fn new() -> Option<Self> {
        match Self::try_new() {
            Ok(lab) => Some(lab),
            Err(why) if std::env::var_os("CI").is_some() => panic!("no network namespaces: {why}"),
            Err(why) => {
                println!("skipped: no network namespaces: {why}");
                None
            }
        }
    }

    fn try_new() -> Result<Self, String> {
        let mut outermost = Command::new("unshare");
        outermost.args(["--user", "--map-root-user", "--net"]);
        let bridges = Namespace::hold(outermost)?;
        // What all tests need, tried once where a failure can be told.
        bridges.try_ip("link set lo up\nlink add probe type bridge\nlink del probe")?;
        Ok(Self { bridges, temp: tempfile::tempdir().map_err(|error| error.to_string())? })
    }

    /// A bridge to plug hosts into.
    #[track_caller]
    pub fn segment(&self, name: &str) {
        self.bridges.ip(&format!("link add {name} type bridge mcast_snooping 0\nlink set {name} addrgenmode none up"));
    }

    /// A host without interfaces but `lo`.
    #[track_caller]
    pub fn host(&self, name: &str) -> Host {
        let mut inside = self.bridges.command("unshare");
        inside.arg("--net");
        let namespace = Namespace::hold(inside).unwrap();
        namespace.ip("link set lo up");
        let home = self.temp.path().join(name);
        std::fs::create_dir_all(home.join("loot")).unwrap();
        Host { name: name.into(), home, namespace }
    }

    /// Gives a host an interface in a segment, with these addresses.
    #[track_caller]
    pub fn plug(&self, host: &Host, interface: &str, segment: &str, addresses: &[&str]) {
        let port = port(host, interface);
        self.bridges.ip(&format!(
            "link add {port} type veth peer name {interface} address {} netns {}\nlink set {port} addrgenmode none master {segment} up",
            hardware(&port),
            host.namespace.holder.id(),
        ));
        let mut script = format!("link set {interface} addrgenmode none\n");
        for address in addresses {
            // Without the wait for duplicates an address can be used at once.
            let more = if address.contains(':') { "nodad" } else { "brd +" };
            script.push_str(&format!("addr add {address} {more} dev {interface}\n"));
        }
        host.ip(&format!("{script}link set {interface} up"));
    }

    /// A host with one interface, `eth0`, at 10.77.0.`last` and fe80::`last`.
    #[track_caller]
    pub fn plain_host(&self, name: &str, segment: &str, last: u8) -> Host {
        let host = self.host(name);
        self.plug(&host, "eth0", segment, &[&format!("10.77.0.{last}/24"), &format!("fe80::{last}/64")]);
        host
    }

    /// From now on no broadcast or multicast reaches the host by that interface.
    #[track_caller]
    pub fn drop_broadcasts_to(&self, host: &Host, interface: &str) {
        let mut bridge = self.bridges.command("bridge");
        bridge.args(["link", "set", "dev", &port(host, interface), "bcast_flood", "off", "mcast_flood", "off"]);
        assert!(bridge.status().unwrap().success());
    }
}

fn port(host: &Host, interface: &str) -> String {
    format!("{}-{interface}", host.name)
}

/// An interface that is plugged in again has the hardware address it had.
fn hardware(port: &str) -> String {
    let sum = port.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let [a, b, c, d] = sum.to_be_bytes();
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

impl Host {
    /// A program that runs in this host and ends with the test.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.namespace.command(program)
    }

    /// Runs lines of `ip` in this host.
    #[track_caller]
    pub fn ip(&self, script: &str) {
        self.namespace.ip(script);
    }

    /// Notes by which hardware address another host's address is reached.
    #[track_caller]
    pub fn knows_hardware_of(&self, other: &Host, interface: &str, address: &str) {
        let hardware = hardware(&port(other, interface));
        self.ip(&format!("neigh replace {address} lladdr {hardware} dev {interface}"));
    }

    /// Makes it a router between its interfaces.
    #[track_caller]
    pub fn forward(&self) {
        let mut write = self.command("sh");
        write.args(["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
        assert!(write.status().unwrap().success());
    }

    /// The body of what a URL gives from within this host; empty when nothing answers.
    pub fn get(&self, url: &str) -> String {
        let mut curl = self.command("curl");
        let output = curl.args(["--silent", "--globoff", "--max-time", "10", url]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A path below the folder that its node shares.
    pub fn loot(&self, name: &str) -> PathBuf {
        self.home.join("loot").join(name)
    }

    /// Moves a file or a folder, made elsewhere on the file system, into the shared folder.
    #[track_caller]
    pub fn take_in(&self, prepared: &Path, name: &str) {
        std::fs::rename(prepared, self.loot(name)).unwrap();
    }
}

/// A process that keeps a network namespace alive.
struct Namespace {
    holder: Child,
}

impl Namespace {
    /// `enter` makes the namespace and then runs what is appended to it.
    fn hold(mut enter: Command) -> Result<Self, String> {
        enter.arg("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let holder = enter.spawn().map_err(|error| error.to_string())?;
        let mut namespace = Self { holder };
        namespace.wait_until_made()?;
        Ok(namespace)
    }

    /// The line comes back once `cat` runs, in the namespace.
    fn wait_until_made(&mut self) -> Result<(), String> {
        let mut back = [0; 1];
        let stdin = self.holder.stdin.as_mut().expect("it is piped");
        let _ = stdin.write_all(b"\n");
        if self.holder.stdout.as_mut().expect("it is piped").read_exact(&mut back).is_ok() {
            return Ok(());
        }
        let mut why = String::new();
        let _ = self.holder.stderr.as_mut().expect("it is piped").read_to_string(&mut why);
        Err(why.trim().into())
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--preserve-credentials", "--user", "--net", "--target", &self.holder.id().to_string()])
            .args(["setpriv", "--pdeathsig", "KILL"])
            .arg(program)
            .stdin(Stdio::null());
        command
    }

    fn try_ip(&self, script: &str) -> Result<(), String> {
        let mut ip = self.command("ip");
        ip.args(["-batch", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = ip.spawn().map_err(|error| error.to_string())?;
        child.stdin.take().expect("it is piped").write_all(script.as_bytes()).map_err(|error| error.to_string())?;
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    #[track_caller]
    fn ip(&self, script: &str) {
        if let Err(why) = self.try_ip(script) {
            panic!("ip refuses: {why}\n{script}");
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
