//! The secret that holds the key: how often it is asked for, and which key a call is made with.

use crate::recorder::Recorder;
use aws_credential_types::Credentials;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Config, Region};
use payments::provider::Answer;
use payments::{Cause, UnixMs};
use serde_json::{Value, json};
use std::sync::Mutex;
use stripe::limits::SECRET_REFETCH_MS;
use stripe::{ApiKey, Listing, Probe, Refusable, Secret, Tried};

const NOW: UnixMs = UnixMs(1_767_603_600_000);

fn secret(recorder: &Recorder) -> Secret {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("AKIA", "secret", None, None, "test"))
        .http_client(recorder.http_client());
    Secret::new(Client::from_conf(config.build()), "arn:the-secret".to_owned())
}

fn holding(key: &str) -> Value {
    json!({ "SecretString": key, "VersionId": "sk_test_of_no_use" })
}

fn key(text: &str) -> ApiKey {
    ApiKey::parse(text).unwrap()
}

const REFUSED: Answer = Answer::NotDone { cause: Cause::CredentialsRefused };
const DONE: Answer = Answer::IntentMissing;

/// Makes a call that Stripe refuses with every key but this one; what came of it, and the keys that it was made with.
async fn called(secret: &Secret, first: &str, accepted: &str, at: UnixMs) -> (Tried<Answer>, Vec<ApiKey>) {
    let (used, accepted) = (Mutex::new(Vec::new()), key(accepted));
    let call = |key: ApiKey| {
        let answer = if key == accepted { DONE } else { REFUSED };
        used.lock().unwrap().push(key);
        std::future::ready(answer)
    };
    let tried = secret.with_key(key(first), || at, call).await;
    (tried, used.into_inner().unwrap())
}

#[tokio::test]
async fn the_key_is_fetched_once() {
    let recorder = Recorder::answering([holding("sk_test_first"), holding("sk_test_second")]);
    let secret = secret(&recorder);
    for later_ms in [0, SECRET_REFETCH_MS, 100 * SECRET_REFETCH_MS] {
        assert_eq!(secret.key(NOW.plus_ms(later_ms)).await, Some(key("sk_test_first")));
    }
    assert_eq!(recorder.taken(), [("GetSecretValue".to_owned(), json!({ "SecretId": "arn:the-secret" }))]);
}

#[tokio::test]
async fn a_secret_without_a_key_is_asked_for_again_after_a_pause() {
    let recorder = Recorder::answering([json!({}), holding("sk test"), holding("sk_test_mended")]);
    let secret = secret(&recorder);
    assert_eq!(secret.key(NOW).await, None);
    assert_eq!(secret.key(NOW.plus_ms(SECRET_REFETCH_MS - 1)).await, None);
    assert_eq!(recorder.taken().len(), 1);
    assert_eq!(secret.key(NOW.plus_ms(SECRET_REFETCH_MS)).await, None);
    assert_eq!(secret.key(NOW.plus_ms(2 * SECRET_REFETCH_MS)).await, Some(key("sk_test_mended")));
    assert_eq!(recorder.taken().len(), 2);
}

#[tokio::test]
async fn a_call_that_is_not_refused_is_made_once() {
    let recorder = Recorder::answering([holding("sk_test_second")]);
    let (tried, used) = called(&secret(&recorder), "sk_test_first", "sk_test_first", NOW).await;
    assert_eq!((tried.refused, tried.answer, used), (None, DONE, vec![key("sk_test_first")]));
    assert_eq!(recorder.told(), "");
}

#[tokio::test]
async fn a_refused_key_is_replaced_by_the_one_that_the_secret_holds_by_now() {
    let recorder = Recorder::answering([holding("sk_test_first"), holding("sk_test_second")]);
    let secret = secret(&recorder);
    secret.key(NOW).await;
    let later = NOW.plus_ms(SECRET_REFETCH_MS);
    let (tried, used) = called(&secret, "sk_test_first", "sk_test_second", later).await;
    assert_eq!((tried.refused, tried.answer), (Some(REFUSED), DONE));
    assert_eq!(used, [key("sk_test_first"), key("sk_test_second")]);
    assert_eq!(recorder.taken().len(), 2);
    // Whoever comes with the old key finds the new one there.
    let (tried, used) = called(&secret, "sk_test_first", "sk_test_second", later).await;
    assert_eq!((tried.answer, used.len()), (DONE, 2));
    assert_eq!(recorder.told(), "");
}

#[tokio::test]
async fn a_refused_key_that_the_secret_still_holds_is_tried_once_and_asked_about_every_few_seconds() {
    let recorder = Recorder::answering((0..3).map(|_| holding("sk_test_revoked")));
    let secret = secret(&recorder);
    secret.key(NOW).await;
    assert_eq!(recorder.taken().len(), 1);
    for (later_ms, fetches) in
        [(1, 0), (SECRET_REFETCH_MS - 1, 0), (SECRET_REFETCH_MS, 1), (SECRET_REFETCH_MS + 1, 0)]
    {
        let (tried, used) = called(&secret, "sk_test_revoked", "sk_test_other", NOW.plus_ms(later_ms)).await;
        assert_eq!((tried.refused, tried.answer, used.len()), (None, REFUSED, 1), "{later_ms}");
        assert_eq!(recorder.taken().len(), fetches, "{later_ms}");
    }
}

#[test]
fn only_a_refusal_of_credentials_is_one() {
    let refused = Cause::CredentialsRefused;
    assert!(REFUSED.is_refusal_of_credentials() && !DONE.is_refusal_of_credentials());
    assert!(!Answer::NotDone { cause: Cause::RateLimited }.is_refusal_of_credentials());
    assert!(Probe::Unwell(refused).is_refusal_of_credentials() && !Probe::Well.is_refusal_of_credentials());
    assert!(!Probe::Unwell(Cause::ProviderError).is_refusal_of_credentials());
    assert!(Listing::Failed(refused).is_refusal_of_credentials());
    assert!(!Listing::TooLarge.is_refusal_of_credentials());
    assert!(!Listing::Failed(Cause::ProviderError).is_refusal_of_credentials());
}
