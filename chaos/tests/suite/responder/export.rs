//! `export`: everything in quarantine comes out as it came in, and nothing leaves.

use crate::responder::town::{Town, in_town};
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn export(town: &Town) -> Value {
    town.order(json!({"command": "export"})).await
}

fn messages(page: &Value) -> Vec<Value> {
    page["messages"].as_array().expect("messages").clone()
}

fn ids(page: &Value) -> BTreeSet<String> {
    messages(page).iter().map(|line| line["message_id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn what_is_in_quarantine_is_written_out_mended_and_sent_again() {
    in_town("[]", async |town| {
        let order =
            r#"{"payment_id":"order-1","amount":"1999","currency":"eur","payment_method":"pm_card_visa"}"#;
        town.send(order);
        town.send("not an order");
        town.pass_s(200).await;
        let page = export(&town).await;
        assert_eq!((&page["count"], &page["more"]), (&json!(2), &json!(false)), "{page}");
        let lines = messages(&page);
        let line = lines.iter().find(|line| line["payment_id"] == "order-1").expect("it can be read");
        assert_eq!((line["body"].as_str(), line["reason"].as_str()), (Some(order), Some("malformed")));
        assert!(line["detail"].as_str().expect("a detail").starts_with("amount is not acceptable"), "{line}");
        assert!(line["original_message_id"].is_string() && line["sent_at"].is_string(), "{line}");
        assert_eq!(ids(&export(&town).await), ids(&page), "all is shown again at once, and nothing is gone");
        town.send(&line["body"].as_str().expect("a body").replace("\"1999\"", "1999"));
        town.pass_s(30).await;
        assert_eq!(town.charges(), ["order-1"]);
        assert_eq!(town.quarantined().len(), 2);
    });
}

#[test]
fn what_no_answer_can_hold_comes_in_several_and_is_all_there_again_afterwards() {
    in_town("[]", async |town| {
        // Whoever has read one payment can read.
        for n in 0..8 {
            town.send(&crate::responder::town::payment(&format!("order-{n}"), 1_999));
            town.pass_s(2).await;
        }
        for n in 0..40 {
            town.send(&format!("{n:02}{}", "x".repeat(200_000)));
        }
        town.pass_s(1_200).await;
        let mut seen = BTreeSet::new();
        for more in [true, false] {
            let page = export(&town).await;
            assert!(page.to_string().len() < 5_000_000);
            assert_eq!(page["more"], more, "{}", page["done"]);
            assert!(ids(&page).iter().all(|id| seen.insert(id.clone())), "none twice");
        }
        assert_eq!(seen.len(), 40);
        town.pass_s(400).await;
        assert_eq!(export(&town).await["more"], true);
        assert_eq!(town.quarantined().len(), 40);
    });
}
