//! Small files that browsers show and play, made by hand: a picture and a sound.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// A PNG with a pixel for each place: red, green and blue by column and row.
pub fn png(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    for y in 0..height {
        let row: Vec<u8> = (0..width).flat_map(|x| pixel(x, y)).collect();
        zlib.write_all(&[0]).unwrap(); // no filter
        zlib.write_all(&row).unwrap();
    }
    let mut head = [width.to_be_bytes(), height.to_be_bytes()].concat();
    head.extend([8, 2, 0, 0, 0]); // 8 bits, three colours
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [(b"IHDR", head), (b"IDAT", zlib.finish().unwrap()), (b"IEND", Vec::new())] {
        let chunk = [kind.as_slice(), &data].concat();
        file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        file.extend(&chunk);
        file.extend(crc32fast::hash(&chunk).to_be_bytes());
    }
    file
}

/// A cover as for a record: two colours that run into each other, and a sun.
pub fn cover(seed: u32) -> Vec<u8> {
    const SIDE: u32 = 240;
    let hue = |n: u32| u8::try_from(60 + seed.wrapping_mul(n) % 160).unwrap();
    let (from, to) = ([hue(37), hue(59), hue(83)], [hue(101), hue(23), hue(7)]);
    let (sun_x, sun_y, sun) = (60 + seed * 13 % 120, 60 + seed * 29 % 90, 20 + seed * 7 % 30);
    png(SIDE, SIDE, |x, y| {
        let apart = x.abs_diff(sun_x).pow(2) + y.abs_diff(sun_y).pow(2);
        if apart < sun.pow(2) {
            return [250, 240, 210];
        }
        let mix = |a: u8, b: u8| u8::try_from((u32::from(a) * (SIDE - y) + u32::from(b) * y) / SIDE).unwrap();
        [mix(from[0], to[0]), mix(from[1], to[1]), mix(from[2], to[2])]
    })
}

/// A WAV of so many seconds, one channel of 8 bits at 8 kHz: 8000 bytes a second and 44 before.
pub fn wav(seconds: u32) -> Vec<u8> {
    const RATE: u32 = 8_000;
    let samples = RATE * seconds;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + samples).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend([1_u16, 1].map(u16::to_le_bytes).concat());
    file.extend([RATE, RATE].map(u32::to_le_bytes).concat());
    file.extend([1_u16, 8].map(u16::to_le_bytes).concat());
    file.extend(b"data");
    file.extend(samples.to_le_bytes());
    file.extend((0..samples).map(|n| if n / 16 % 2 == 0 { 118 } else { 138 }));
    file
}
