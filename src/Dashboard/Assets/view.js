// Tells the host in which zone and language this person reads, before anything is shown.
(() => {
  const language = navigator.language || 'en';
  const parts = new Intl.NumberFormat(language).formatToParts(1234567.8);
  const of = type => (parts.find(part => part.type === type) || { value: '' }).value;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
  const text = 'purser-view=' + encodeURIComponent([zone, language, of('decimal'), of('group')].join('|'));
  if (document.cookie.split('; ').includes(text)) return;
  document.cookie = text + '; path=/; max-age=31536000; samesite=strict';
  // Only where it was kept: without cookies the page stays as it came.
  if (document.cookie.split('; ').includes(text)) location.reload();
})();
