//! An interest model as one types it: `kinked:0,5.5,60,90` or `adaptive:4`.

use gage_core::{Bps, InterestModel, Ray, fixed::YEAR_SECONDS};

use crate::decimal::{parse_units, percent_of_bps};

/// Rays in a basis point.
const RAY_PER_BPS: u128 = 10_u128.pow(23);

const FORM: &str = "a model is kinked:BASE,SLOPE1,SLOPE2,KINK or adaptive:RATE, in percent";

/// Reads a model: percent a year, and percent of utilisation for the kink.
pub(crate) fn parse_model(text: &str) -> Result<InterestModel, String> {
    let (kind, numbers) = text.split_once(':').ok_or(FORM)?;
    let numbers =
        numbers.split(',').map(|number| parse_units(number.trim().trim_end_matches('%'), 2));
    let numbers: Vec<u128> =
        numbers.collect::<Result<_, _>>().map_err(|why| format!("{FORM}: {why}"))?;
    let narrow = |bps: u128| u32::try_from(bps).unwrap_or(u32::MAX);
    let model = match (kind, numbers.as_slice()) {
        ("kinked", [base, slope1, slope2, kink]) => InterestModel::Kinked {
            base: narrow(*base),
            slope1: narrow(*slope1),
            slope2: narrow(*slope2),
            kink: Bps::new(u16::try_from(*kink).unwrap_or(u16::MAX)),
        },
        ("adaptive", [rate]) => {
            let rate_at_target = Ray::new(rate.saturating_mul(RAY_PER_BPS) / YEAR_SECONDS);
            InterestModel::Adaptive { rate_at_target }
        }
        _ => return Err(FORM.to_owned()),
    };
    model.check().map_err(|why| format!("{FORM}: {why}"))?;
    Ok(model)
}

/// The model in words.
pub(crate) fn name_of(model: &InterestModel) -> String {
    match *model {
        InterestModel::Kinked { base, slope1, slope2, kink } => {
            let [base, slope1, slope2] =
                [base, slope1, slope2].map(|bps| percent_of_bps(u128::from(bps)));
            let kink = percent_of_bps(kink.get().into());
            format!("Kinked: {base} + {slope1} up to {kink}, {slope2} from there")
        }
        InterestModel::Adaptive { rate_at_target } => {
            let bps =
                rate_at_target.get().saturating_mul(YEAR_SECONDS).saturating_add(RAY_PER_BPS / 2);
            format!("Adaptive: {} at the target of 90 %", percent_of_bps(bps / RAY_PER_BPS))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_read_as_typed() {
        let kinked = parse_model("kinked:0,5.5,60,90").unwrap();
        let expected =
            InterestModel::Kinked { base: 0, slope1: 550, slope2: 6_000, kink: Bps::new(9_000) };
        assert_eq!(kinked, expected);
        assert_eq!(name_of(&kinked), "Kinked: 0 % + 5.5 % up to 90 %, 60 % from there");
        let adaptive = parse_model("adaptive:4%").unwrap();
        assert_eq!(name_of(&adaptive), "Adaptive: 4 % at the target of 90 %");
        for bad in [
            "",
            "kinked",
            "kinked:",
            "kinked:1,2,3",
            "kinked:1,2,3,0",
            "kinked:1,2,3,100",
            "kinked:1,2,3,-4",
            "kinked:1000,2,3,80",
            "kinked:1,2,3,99999999999",
            "adaptive:",
            "adaptive:0.05",
            "adaptive:201",
            "adaptive:4,5",
            "linear:4",
            "adaptive:4.123",
        ] {
            let why = parse_model(bad).unwrap_err();
            assert!(why.contains("kinked:BASE"), "{bad}: {why}");
        }
    }
}
