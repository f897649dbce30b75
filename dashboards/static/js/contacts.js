// A webhook's secret is shown once, where it was made; everything else begins anew with the page.
document.addEventListener("teshe:sent", (event) => {
  const { secret } = event.detail ?? {};
  const place = document.getElementById("new-secret");
  if (!secret || !place) {
    location.reload();
    return;
  }
  place.querySelector("[data-secret]").textContent = secret;
  place.hidden = false;
  place.scrollIntoView({ block: "center" });
  place.focus();
});
