//! What ACME asks of its Dockerfiles.

plimsoll_sdk::pack!();
