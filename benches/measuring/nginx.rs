//! nginx, with `sendfile` and two workers: what others are measured by.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::super::support::wait_until;

/// A running one; ended when dropped.
pub struct Nginx {
    child: Child,
    pub address: SocketAddr,
    _state: tempfile::TempDir,
}

impl Nginx {
    /// Serves a folder, if nginx is here.
    pub fn start(root: &Path, address: SocketAddr) -> Option<Self> {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("conf"), conf(root, state.path(), address)).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(state.path()).arg("-c").arg(state.path().join("conf"));
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let started = command.env("PATH", path).stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(child) = started else {
            println!("nginx is not here: without it there is nothing to compare with.");
            return None;
        };
        let nginx = Self { child, address, _state: state };
        wait_until("nginx listens", || TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok());
        Some(nginx)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only if it is asked.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn conf(root: &Path, state: &Path, address: SocketAddr) -> String {
    let (root, state) = (root.display(), state.display());
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("  {what}_temp_path {state}/{what};\n"))
        .concat();
    format!(
        "daemon off; worker_processes 2; worker_rlimit_nofile 20000; {user}\n\
         pid {state}/pid; error_log {state}/errors warn;\n\
         events {{ worker_connections 10000; }}\n\
         http {{\n  access_log off; sendfile on; tcp_nopush on;\n  \
         keepalive_timeout 300s; keepalive_requests 10000000; default_type application/octet-stream;\n{temporary}  \
         server {{ listen {address} backlog=4096; root {root}; autoindex on; }}\n}}\n"
    )
}
