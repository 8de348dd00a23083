//! Challenges: what a server asks for in `WWW-Authenticate`.

use http_auth::{ChallengeRef, parse_challenges};
use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{StatusCode, Url};

use crate::http::Response;

/// What a server wants before it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// Nothing, as far as known.
    Open,
    /// User and password with each request.
    Basic,
    /// A token from a token service.
    Bearer(Bearer),
}

/// A token service and what to ask it for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bearer {
    pub realm: Url,
    pub service: Option<String>,
    /// A scope that the server asks for beyond the repository.
    pub scope: Option<String>,
}

impl Challenge {
    /// The challenge of `response`: a token where one is offered, else Basic; `Open` where neither is.
    ///
    /// Only the server that was asked may challenge, not one that it redirects to.
    pub fn of(response: &Response) -> Self {
        if response.status != StatusCode::UNAUTHORIZED || !response.same_origin {
            return Self::Open;
        }
        let values = response.headers.get_all(WWW_AUTHENTICATE).into_iter();
        let texts: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        let challenges: Vec<ChallengeRef<'_>> =
            texts.iter().filter_map(|text| parse_challenges(text).ok()).flatten().collect();
        if let Some(bearer) = challenges.iter().find_map(Bearer::of) {
            return Self::Bearer(bearer);
        }
        let basic = |challenge: &ChallengeRef<'_>| challenge.scheme.eq_ignore_ascii_case("basic");
        if challenges.iter().any(basic) { Self::Basic } else { Self::Open }
    }

    /// The same without a scope that is asked for anyway.
    pub fn without_scope(self, scope: &str) -> Self {
        match self {
            Self::Bearer(bearer) if bearer.scope.as_deref() == Some(scope) => {
                Self::Bearer(Bearer { scope: None, ..bearer })
            }
            other => other,
        }
    }
}

impl Bearer {
    fn of(challenge: &ChallengeRef<'_>) -> Option<Self> {
        if !challenge.scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameter = |name: &str| {
            let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped()).filter(|value| !value.is_empty())
        };
        let realm = Url::parse(&parameter("realm")?).ok()?;
        Some(Self { realm, service: parameter("service"), scope: parameter("scope") })
    }
}
