// The phone's camera inside the form: opened once, then one tap is one photo. Where it is not to be had, the file
// button of the system's camera stays.

const CHOSEN = "teshe-field-camera";
const LONGEST_SIDE = 1600;
let stream = null;
let video = null;

export const possible = () => Boolean(navigator.mediaDevices?.getUserMedia);
export const chosen = () => localStorage.getItem(CHOSEN) === "yes";
export const opened = () => Boolean(stream?.active);

/** Open it; gives the reason in words where the phone refuses, else "". */
export async function open() {
  if (opened()) return "";
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: { ideal: "environment" }, width: { ideal: LONGEST_SIDE } }, audio: false,
    });
  } catch (error) {
    return error.name === "NotAllowedError" ? "没有相机权限，请在浏览器设置中允许，或用下方按钮拍照。" : "相机打不开，请用下方按钮拍照。";
  }
  video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, className: "camera", srcObject: stream });
  await video.play();
  localStorage.setItem(CHOSEN, "yes");
  return "";
}

/** The picture that runs; the same element each time, so that drawing the page again does not stop it. */
export const view = () => video;

export function close() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = video = null;
}

/** One photo as it is seen now. */
export async function shoot() {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}

/** Look for a QR code in what the camera sees until there is one, or ``stop`` is aborted. */
export async function scan(stop) {
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  while (!stop.aborted && opened()) {
    const [code] = video.readyState >= 2 ? await detector.detect(video).catch(() => []) : [];
    if (code) return code.rawValue;
    await new Promise((again) => setTimeout(again, 200));
  }
  return null;
}
