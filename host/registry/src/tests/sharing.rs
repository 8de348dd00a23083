//! Sharing: what many questions to one client cost.

use serde_json::json;

use super::fixture::{Contents, app, config, digest};
use super::server::Reply;
use super::*;

/// Asks all `names` at once.
fn together(client: &Client, server: &Server, names: &[String]) -> Vec<Result<Answer, Error>> {
    run(async {
        let mut questions: Vec<_> =
            names.iter().map(|name| Box::pin(question(client, server, name, "linux/amd64"))).collect();
        let mut answers: Vec<_> = names.iter().map(|_| None).collect();
        std::future::poll_fn(|ctx| {
            for (question, answer) in questions.iter_mut().zip(&mut answers) {
                if answer.is_none()
                    && let std::task::Poll::Ready(ready) = question.as_mut().poll(ctx)
                {
                    *answer = Some(ready);
                }
            }
            if answers.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        answers.into_iter().flatten().collect()
    })
}

fn twenty() -> (Contents, Vec<String>) {
    let mut contents = Contents::default();
    let names = (0..20).map(|number| format!("app{number}:1"));
    let names: Vec<_> = names
        .inspect(|name| {
            let repository = name.trim_end_matches(":1");
            let mut config = config("linux/amd64");
            config["created"] = json!(name);
            contents.image(repository, "1", &config);
        })
        .collect();
    (contents, names)
}

#[test]
fn twenty_images_take_one_probe_and_forty_requests() {
    let (contents, names) = twenty();
    let (server, client) = (contents.serve(), anonymous());
    for (name, answer) in names.iter().zip(together(&client, &server, &names)) {
        assert_eq!(image(answer).created.as_ref(), Some(name));
    }
    let Statistics { requests, probes, .. } = statistics(&client, &server);
    assert_eq!((requests, probes), (40, 1));
}

#[test]
fn a_registry_that_is_down_is_probed_for_all_at_once() {
    let server = Server::start(|_| Reply::new(503, ""));
    let client = anonymous();
    let names: Vec<_> = (0..20).map(|number| format!("app{number}")).collect();
    for answer in together(&client, &server, &names) {
        failed(answer, ErrorKind::Network, "answered 503");
    }
    let Statistics { requests, probes, .. } = statistics(&client, &server);
    assert_eq!((requests, probes), (0, 3));
}

#[test]
fn tag_and_digest_share_one_answer() {
    let mut contents = Contents::default();
    let index = contents.index("app", "1", &["linux/amd64", "linux/arm64"]);
    let (server, client) = (contents.serve(), anonymous());
    let by_tag = image(ask(&client, &server, "app:1"));
    assert_eq!(statistics(&client, &server).requests, 3);
    assert_eq!(image(ask(&client, &server, &format!("app@{}", digest(&index)))), by_tag);
    assert_eq!(statistics(&client, &server).requests, 3, "all of it was known");
    let alone = image(ask(&client, &server, &format!("app@{}", by_tag.digest)));
    assert_eq!(alone, Image { index_digest: None, ..by_tag });
    assert_eq!(statistics(&client, &server).requests, 3, "all of it was known");
    image(ask_for(&client, &server, "app:1", "linux/arm64"));
    assert_eq!(statistics(&client, &server).requests, 5, "what the tag means is known too");
}

#[test]
fn equal_questions_at_once_fetch_a_configuration_once() {
    let (server, client) = (app().serve(), anonymous());
    let names = vec!["app:1".to_owned(); 8];
    together(&client, &server, &names).into_iter().map(image).for_each(drop);
    assert_eq!(server.count("/v2/app/blobs/"), 1);
}

#[test]
fn known_content_does_not_stand_in_for_another_repository() {
    let (server, client) = (app().serve(), anonymous());
    let known = image(ask(&client, &server, "app:1"));
    failed(ask(&client, &server, &format!("other@{}", known.digest)), ErrorKind::NotFound, "404");
}

#[test]
fn a_dropped_question_leaves_the_others_alone() {
    let (server, client) = (app().serve(), anonymous());
    run(async {
        let impatient = question(&client, &server, "app:1", "linux/amd64");
        let _ = tokio::time::timeout(Duration::from_micros(1), impatient).await;
        image(question(&client, &server, "app:1", "linux/amd64").await);
    });
}

#[test]
fn questions_can_be_asked_from_any_thread() {
    fn check<T: Send>(_: &T) {}
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    let client = anonymous();
    let (reference, platform) = (Reference::parse("app").unwrap(), Platform::host());
    shared(&client);
    check(&client.image(&reference, &platform, None));
}
