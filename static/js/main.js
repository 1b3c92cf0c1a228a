// On each page. Everything works without it.
import "./copy.js";
import "./keys.js";
import "./live.js";
