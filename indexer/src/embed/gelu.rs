//! The exact GELU in a form compilers vectorise: with the error function called number by number
//! it takes a quarter of the whole forward pass.

use std::f32::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E};

use candle_core::{CpuStorage, CustomOp1, Error, Layout, Result, Shape};

pub(crate) struct Gelu;

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (CpuStorage::F32(numbers), Some((start, end))) = (storage, layout.contiguous_offsets())
        else {
            return Err(Error::Msg("gelu wants 32-bit numbers in one piece".to_owned()));
        };
        let out = numbers[start..end].iter().map(|x| gelu(*x)).collect();
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

/// `x` times the share of a normal distribution below it, to about a ten-millionth of `x`: the
/// error function by Abramowitz and Stegun, formula 7.1.26.
fn gelu(x: f32) -> f32 {
    let z = x.abs() * FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let series = t
        * (0.254_829_6
            + t * (-0.284_496_74 + t * (1.421_413_8 + t * (-1.453_152 + t * 1.061_405_4))));
    let erf = 1.0 - series * exp(-(z * z).min(80.0));
    0.5 * (x + x.abs() * erf)
}

/// Adding this rounds to a whole number that then stands in the lowest bits.
const WHOLE: f32 = 12_582_912.0;

/// The exponential of a number between -80 and 0.
fn exp(y: f32) -> f32 {
    let shifted = y * LOG2_E + WHOLE;
    let power = shifted.to_bits().wrapping_sub(WHOLE.to_bits());
    let f = y - (shifted - WHOLE) * LN_2;
    let rest = 1.0 / 120.0 + f / 720.0;
    let fraction = 1.0 + f * (1.0 + f * (0.5 + f * (1.0 / 6.0 + f * (1.0 / 24.0 + f * rest))));
    fraction * f32::from_bits(power.wrapping_add(127) << 23)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn agrees_with_the_slow_form() {
        let numbers: Vec<f32> = (-2000..=2000).map(|n| n as f32 / 100.0).collect();
        let tensor = Tensor::new(numbers, &Device::Cpu).unwrap();
        let fast = tensor.apply_op1_no_bwd(&Gelu).unwrap().to_vec1::<f32>().unwrap();
        let slow = tensor.gelu_erf().unwrap().to_vec1::<f32>().unwrap();
        for (fast, slow) in fast.iter().zip(&slow) {
            assert!((fast - slow).abs() < 1e-5, "{fast} {slow}");
        }
    }
}
