// Photos: made small on the phone, named by their digest, kept until the server has them.

import { sha256 } from "./canonical.js";
import { put } from "./store.js";

const LONGEST_SIDE = 1200;
const LARGEST_BYTES = 500_000;

export class PhotoError extends Error {}

const encode = (canvas, quality) => new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));

async function keep(blob) {
  const bytes = await blob.arrayBuffer();
  const name = await sha256(bytes);
  await put("photos", { sha256: name, bytes, type: blob.type });
  return name;
}

/** Take a picture from the camera: at most 1200 px and 500 KB of JPEG. Gives its SHA-256. */
export async function take(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new PhotoError("无法读取这张照片（可能是 HEIC）。请在相机设置中选“兼容性最佳 / JPEG”后重拍。");
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  for (const quality of [0.82, 0.7, 0.55, 0.4, 0.25]) {
    const blob = await encode(canvas, quality);
    if (blob && blob.size <= LARGEST_BYTES) return keep(blob);
  }
  throw new PhotoError("照片压缩后仍大于 500 KB，请重拍。");
}

/** The drawn signature as a small picture on white. Gives its SHA-256. */
export async function takeDrawing(canvas) {
  const flat = document.createElement("canvas");
  flat.width = canvas.width;
  flat.height = canvas.height;
  const ink = flat.getContext("2d");
  ink.fillStyle = "#fff";
  ink.fillRect(0, 0, flat.width, flat.height);
  ink.drawImage(canvas, 0, 0);
  return keep(await encode(flat, 0.8));
}
