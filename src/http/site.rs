//! All that is answered: the Host rule around everything, the store, which is asked most, and all
//! other routes.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use http::Request;
use http_body::Body as _;
use hyper::body::Incoming;
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;

use super::{App, Ends, host, routes, store};

/// Pages run nothing that we did not send ourselves.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; \
     frame-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The service; cheap to clone.
#[derive(Clone, Debug)]
pub struct Site {
    app: App,
    routes: Router,
}

impl Site {
    /// Of this node.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { routes: routes(app.clone()), app }
    }

    /// Answers a request that came by a connection between those ends. Refusals are answers too:
    /// all tell browsers the same where they say nothing else themselves.
    pub(super) async fn answer(&self, request: Request<Incoming>, ends: Ends) -> Response {
        let mut response = match host::judge_request(&self.app.hosts, &request, ends.local) {
            Ok(named) => self.answer_own(request, ends, named).await,
            Err(error) => error.into_response(),
        };
        for (name, value) in [
            (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "same-origin"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ] {
            response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
        }
        response
    }

    /// The same of a request that names us.
    async fn answer_own(&self, mut request: Request<Incoming>, ends: Ends, named: host::NamedHost) -> Response {
        if matches!(request.uri().path(), "/s/" | "/s") && matches!(*request.method(), Method::GET | Method::HEAD) {
            let query = request.uri().query().unwrap_or_default();
            let answer = store::answer(&self.app, &ends, request.method(), query, request.headers()).await;
            return answer.unwrap_or_else(|error| error.into_response());
        }
        request.extensions_mut().insert(ends);
        request.extensions_mut().insert(named);
        self.by_routes(request.map(Body::new)).await
    }

    /// What takes its time to make is made by the shared threads, so that this one goes on serving
    /// its other connections. Who brings something is heard here, where it comes.
    async fn by_routes(&self, request: Request<Body>) -> Response {
        let brings_nothing = request.body().is_end_stream();
        let answer = self.routes.clone().oneshot(request);
        let answer = match brings_nothing {
            true => AbortOnDropHandle::new(tokio::spawn(answer)).await,
            false => Ok(answer.await),
        };
        match answer {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(), // its handler panicked
        }
    }
}
