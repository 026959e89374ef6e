//! The transport of production, against a listener on this machine.

use crate::support::{key, recorded};
use authority::ToCharge;
use payments::Cause;
use payments::provider::{Answer, Replay};
use stripe::limits::BODY_BYTES_MAX;
use stripe::transport::over_tls;
use stripe::{ApiBase, Charger, Mode, NotWarm, TransportError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const INTENT: &str = r#"{"id":"pi_1","object":"payment_intent","amount":5,"currency":"eur","livemode":false,"metadata":{},"status":"succeeded"}"#;

async fn listener() -> (TcpListener, Charger) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = ApiBase::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let charger = Charger::new(over_tls(&base).unwrap(), base, Mode::Test, ToCharge::assume());
    (listener, charger)
}

/// Reads a request without a body and returns its first line.
async fn read_head(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().lines().next().unwrap().to_owned()
}

async fn answer(connection: &mut TcpStream, length: usize, body: &str) {
    let answer = format!("HTTP/1.1 200 OK\r\nrequest-id: req_1\r\ncontent-length: {length}\r\n\r\n{body}");
    connection.write_all(answer.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn the_warm_up_and_two_calls_share_one_connection() {
    let (listener, charger) = listener().await;
    let server = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut lines = vec![read_head(&mut connection).await];
        answer(&mut connection, 9, "").await;
        for _ in 0..2 {
            lines.push(read_head(&mut connection).await);
            answer(&mut connection, INTENT.len(), INTENT).await;
        }
        lines
    };
    let calls = async {
        charger.warm().await.unwrap();
        let (key, intent) = (key(), recorded("pi_1"));
        [charger.retrieve(&key, &intent).await, charger.cancel(&key, &intent).await]
    };
    let (lines, replies) = tokio::join!(server, calls);
    assert_eq!(
        lines,
        [
            "HEAD / HTTP/1.1",
            "GET /v1/payment_intents/pi_1 HTTP/1.1",
            "POST /v1/payment_intents/pi_1/cancel HTTP/1.1"
        ]
    );
    for reply in replies {
        assert!(matches!(reply.answer, Answer::Intent(_)), "{reply:?}");
        assert_eq!(reply.request_id.as_deref(), Some("req_1"));
    }
}

#[tokio::test]
async fn a_refused_connection_has_sent_nothing() {
    let (listener, charger) = listener().await;
    drop(listener);
    let reply = charger.retrieve(&key(), &recorded("pi_1")).await;
    assert_eq!(reply.answer, Answer::NotDone { cause: Cause::ProviderUnreachable });
    assert!(reply.failure.unwrap().starts_with("could not connect to Stripe: "));
    assert!(matches!(charger.warm().await, Err(NotWarm::Transport(TransportError::Connect(_)))));
}

#[tokio::test]
async fn a_failed_handshake_has_sent_nothing() {
    let (listener, _) = listener().await;
    let base = ApiBase::parse(&format!("https://{}", listener.local_addr().unwrap())).unwrap();
    let charger = Charger::new(over_tls(&base).unwrap(), base, Mode::Test, ToCharge::assume());
    let server = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        assert_eq!(connection.read_u8().await.unwrap(), 22, "the type of a TLS handshake record");
        answer(&mut connection, 0, "").await;
    };
    let (key, intent) = (key(), recorded("pi_1"));
    let ((), reply) = tokio::join!(server, charger.retrieve(&key, &intent));
    assert_eq!(reply.answer, Answer::NotDone { cause: Cause::ProviderUnreachable });
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_outcome_unknown() {
    for cut_off in [true, false] {
        let (listener, charger) = listener().await;
        let server = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            read_head(&mut connection).await;
            if cut_off {
                answer(&mut connection, INTENT.len(), &INTENT[..20]).await;
            }
        };
        let (key, intent) = (key(), recorded("pi_1"));
        let ((), reply) = tokio::join!(server, charger.retrieve(&key, &intent));
        let unknown = Answer::Unknown { cause: Cause::ProviderUnreachable, replay: Replay::Open };
        assert_eq!(reply.answer, unknown, "{reply:?}");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up_like_an_answer_that_never_begins() {
    let (listener, charger) = listener().await;
    let server = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        read_head(&mut connection).await;
        answer(&mut connection, INTENT.len(), &INTENT[..20]).await;
        // From here on only time passes, and it passes at once.
        tokio::time::pause();
        connection
    };
    let (key, intent) = (key(), recorded("pi_1"));
    let (_open, reply) = tokio::join!(server, charger.retrieve(&key, &intent));
    let unknown = Answer::Unknown { cause: Cause::ProviderTimeout, replay: Replay::Open };
    assert_eq!((reply.answer, reply.status), (unknown, None));
}

#[tokio::test]
async fn a_body_beyond_the_cap_is_not_read_to_its_end() {
    let (listener, charger) = listener().await;
    let server = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        read_head(&mut connection).await;
        // Announced, never sent in full: only a reader that stops at the cap gets an answer.
        answer(&mut connection, 10 * BODY_BYTES_MAX, &" ".repeat(BODY_BYTES_MAX + 1)).await;
        connection
    };
    let (key, intent) = (key(), recorded("pi_1"));
    let (_open, reply) = tokio::join!(server, charger.retrieve(&key, &intent));
    assert_eq!(reply.status, Some(200));
    assert_eq!(reply.answer, Answer::Unknown { cause: Cause::ProviderUnreadable, replay: Replay::Open });
}
