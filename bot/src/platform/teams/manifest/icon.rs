//! The app's icons, drawn here: a speech bubble with lines of text. PNG needs little more than
//! two checksums when the pixels are left uncompressed, which the package around them is not.

/// Pixels as red, green, blue, opacity.
type Color = [u8; 4];

const ACCENT: Color = [0x1F, 0x4E, 0x79, 255];
const LINE: Color = [0x5B, 0x9B, 0xD5, 255];
const WHITE: Color = [255; 4];
const NOTHING: Color = [255, 255, 255, 0];

/// 192 by 192 pixels: a white bubble on the accent colour.
pub(super) fn color() -> Vec<u8> {
    png(192, |x, y| {
        let bubble = over(ACCENT, WHITE, cover(bubble(x, y)));
        let upper = over(bubble, LINE, cover(bar(x, y, 84.0, 58.0, 134.0)));
        over(upper, LINE, cover(bar(x, y, 108.0, 58.0, 106.0)))
    })
}

/// 32 by 32 pixels, as the schema asks: white lines, and nothing else to see.
pub(super) fn outline() -> Vec<u8> {
    png(32, |x, y| {
        let (x, y) = (x * 6.0, y * 6.0);
        let edge = (bubble(x, y).abs() - 6.0) / 6.0;
        let line = bar(x, y, 96.0, 66.0, 126.0) / 6.0;
        over(NOTHING, WHITE, cover(edge.min(line)))
    })
}

/// Distance in pixels of a 192 grid to the bubble's border, below 0 inside.
fn bubble(x: f32, y: f32) -> f32 {
    box_at(x, y, [96.0, 92.0], [66.0, 48.0], 22.0).min(tail(x, y))
}

/// A corner below the bubble, to the left: a triangle of three half planes.
fn tail(x: f32, y: f32) -> f32 {
    let left = 58.0 - x;
    let top = 120.0 - y;
    // From (58, 168) up to (102, 132).
    let slant = (36.0 * (x - 58.0) + 44.0 * (y - 168.0)) / 56.9;
    left.max(top).max(slant)
}

/// A line of text, thick and round at its ends.
fn bar(x: f32, y: f32, middle: f32, from: f32, to: f32) -> f32 {
    box_at(x, y, [(from + to) / 2.0, middle], [(to - from) / 2.0, 6.0], 6.0)
}

fn box_at(x: f32, y: f32, middle: [f32; 2], half: [f32; 2], round: f32) -> f32 {
    let dx = (x - middle[0]).abs() - half[0] + round;
    let dy = (y - middle[1]).abs() - half[1] + round;
    dx.max(0.0).hypot(dy.max(0.0)) + dx.max(dy).min(0.0) - round
}

/// How much of a pixel lies inside, by its distance from the border.
fn cover(distance: f32) -> f32 {
    (0.5 - distance).clamp(0.0, 1.0)
}

fn over(below: Color, above: Color, share: f32) -> Color {
    let mut mixed = below;
    for (channel, above) in mixed.iter_mut().zip(above) {
        let value = f32::from(*channel) * (1.0 - share) + f32::from(above) * share;
        *channel = value.round() as u8;
    }
    mixed
}

/// A square picture.
/// <https://www.w3.org/TR/png/>
fn png(side: u16, paint: impl Fn(f32, f32) -> Color) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..side {
        // Rows begin with their filter: none.
        pixels.push(0);
        for x in 0..side {
            pixels.extend(paint(f32::from(x) + 0.5, f32::from(y) + 0.5));
        }
    }
    let mut header = Vec::new();
    header.extend(u32::from(side).to_be_bytes());
    header.extend(u32::from(side).to_be_bytes());
    // Eight bits, with opacity; the one compression, filtering and order of rows there is.
    header.extend([8, 6, 0, 0, 0]);
    let mut out = vec![0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n'];
    chunk(&mut out, *b"IHDR", &header);
    chunk(&mut out, *b"IDAT", &stored(&pixels));
    chunk(&mut out, *b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    out.extend(length.to_be_bytes());
    let start = out.len();
    out.extend(kind);
    out.extend(data);
    let sum = crc32(out.get(start..).unwrap_or_default());
    out.extend(sum.to_be_bytes());
}

/// A zlib stream of blocks that are stored as they are.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks = data.chunks(usize::from(u16::MAX));
    let last = blocks.len().saturating_sub(1);
    for (at, block) in blocks.enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(at == last));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(adler32(data).to_be_bytes());
    out
}

pub(super) fn crc32(data: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !data.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

pub(super) fn adler32(data: &[u8]) -> u32 {
    let (low, high) = data.iter().fold((1, 0), |(low, high): (u32, u32), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    (high << 16) | low
}
