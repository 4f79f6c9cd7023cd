// Numbers and times in the words of whoever reads them, drafts that outlast a lost connection, and the way back to the host.
(() => {
  const language = navigator.language || 'en';
  const formats = new Map();
  const number = options => {
    const key = JSON.stringify(options);
    if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(language, options));
    return formats.get(key);
  };

  // Two decimals, but two digits that count below a cent: a small amount is not nothing.
  const money = (value, currency) => number(value !== 0 && Math.abs(value) < 0.01
    ? { style: 'currency', currency, minimumSignificantDigits: 1, maximumSignificantDigits: 2 }
    : { style: 'currency', currency, minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value);

  const written = (text, kind, currency) => {
    const value = Number(text);
    if (text === null || text === '' || Number.isNaN(value)) return '—';
    switch (kind) {
      case 'money': try { return money(value, currency || 'USD'); } catch { return `${text} ${currency}`; }
      // All digits of a rate: 0.075 is not 0.08.
      case 'rate': try { return number({ style: 'currency', currency: currency || 'USD', minimumFractionDigits: 2, maximumFractionDigits: 9 }).format(value); } catch { return `${text} ${currency}`; }
      case 'compact': return number({ notation: Math.abs(value) >= 10000 ? 'compact' : 'standard', maximumFractionDigits: 1 }).format(value);
      case 'percent': return number({ maximumFractionDigits: 1 }).format(value) + ' %';
      case 'change': return number({ maximumFractionDigits: 1, signDisplay: 'exceptZero' }).format(value) + ' %';
      case 'signed': return number({ maximumFractionDigits: 1, signDisplay: 'exceptZero' }).format(value);
      default: return number({ maximumFractionDigits: 9 }).format(value);
    }
  };

  class Figure extends HTMLElement {
    static observedAttributes = ['value', 'kind', 'currency'];
    connectedCallback() { this.show(); }
    attributeChangedCallback() { if (this.isConnected) this.show(); }
    show() {
      const root = this.shadowRoot || this.attachShadow({ mode: 'open' });
      const [value, currency] = [this.getAttribute('value'), this.getAttribute('currency')];
      root.textContent = written(value, this.getAttribute('kind'), currency);
      this.title = value === null || value === '' ? '' : value + (currency ? ' ' + currency : '');
    }
  }
  customElements.define('p-figure', Figure);

  const units = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'always', style: 'short' });
  const clock = (time, zone, kind) => {
    const options = kind === 'date' ? { dateStyle: 'medium' } : kind === 'day' ? { weekday: 'short', day: 'numeric', month: 'short' }
      : kind === 'precise' ? { dateStyle: 'medium', timeStyle: 'medium' } : { dateStyle: 'medium', timeStyle: 'short' };
    try { return new Intl.DateTimeFormat(language, { ...options, timeZone: zone || undefined }).format(time); }
    catch { return new Intl.DateTimeFormat(language, options).format(time); }
  };
  const distance = time => {
    const seconds = Math.round((time - Date.now()) / 1000);
    const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) || units[3];
    return relative.format(Math.trunc(seconds / size), unit);
  };

  class Moment extends HTMLElement {
    static observedAttributes = ['value', 'kind', 'zone'];
    connectedCallback() { this.show(); }
    attributeChangedCallback() { if (this.isConnected) this.show(); }
    show() {
      const root = this.shadowRoot || this.attachShadow({ mode: 'open' });
      const time = new Date(this.getAttribute('value')), kind = this.getAttribute('kind'), zone = this.getAttribute('zone');
      if (Number.isNaN(time.getTime())) { root.textContent = '—'; return; }
      root.textContent = kind === 'distance' ? distance(time) : clock(time, zone, kind);
      this.title = kind === 'distance' ? clock(time, zone, 'precise') : this.getAttribute('value');
    }
  }
  customElements.define('p-moment', Moment);
  setInterval(() => document.querySelectorAll('p-moment[kind=distance]').forEach(one => one.show()), 15000);

  // What is typed into a form with data-draft is kept in this tab until it was sent or let go, so that it outlasts the host that serves the
  // page. Nothing is kept of passwords, files and what lies within data-secret.
  const drafts = (() => {
    const place = name => 'purser:draft:' + name;
    const known = new WeakMap(), opened = new Set();
    let [alive, writing, address] = [false, false, ''];
    const stored = name => { try { return JSON.parse(sessionStorage.getItem(place(name))); } catch { return null; } };
    const fields = form => [...form.elements].filter(one => one.id && 'value' in one && one.type !== 'password' && one.type !== 'file'
      && one.tagName !== 'BUTTON' && !one.closest('[data-secret]'));
    const read = field => field.type === 'checkbox' ? String(field.checked) : field.value;
    const write = (field, text) => {
      if (read(field) === text || (field.tagName === 'SELECT' && ![...field.options].some(one => one.value === text))) return false;
      if (field.type === 'checkbox') field.checked = text === 'true'; else field.value = text;
      writing = true;
      for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, { bubbles: true }));
      writing = false;
      return true;
    };
    // How each field of a form came, and what waits for fields that are not there yet.
    const of = form => {
      const name = form.dataset.draft;
      let one = known.get(form);
      if (!one || one.name !== name) {
        delete form.dataset.restored;
        known.set(form, one = { name, came: new Map(), waiting: alive ? stored(name) || {} : {} });
      }
      return one;
    };
    const forget = form => {
      sessionStorage.removeItem(place(form.dataset.draft));
      of(form).waiting = {};
      delete form.dataset.restored;
    };
    const keep = field => {
      const form = field.form;
      if (writing || !form || !form.dataset.draft || !field.id) return;
      const { name, came, waiting } = of(form);
      delete waiting[field.id];
      const now = Object.fromEntries(fields(form).map(one => [one.id, read(one)]));
      if (Object.entries(now).every(([id, text]) => came.get(id) === text)) { sessionStorage.removeItem(place(name)); return; }
      try { sessionStorage.setItem(place(name), JSON.stringify({ ...waiting, ...now })); } catch { /* there is no room: nothing is kept */ }
    };
    const look = () => {
      if (location.href !== address) { address = location.href; opened.clear(); }
      for (const form of document.querySelectorAll('form[data-draft]')) {
        const { came, waiting } = of(form);
        for (const field of fields(form)) {
          if (came.has(field.id)) continue;
          came.set(field.id, read(field));
          if (!(field.id in waiting)) continue;
          if (write(field, waiting[field.id])) form.dataset.restored = 'yes';
          delete waiting[field.id];
        }
      }
      // A form that had been opened is opened again, once at each place.
      for (const button of document.querySelectorAll('[data-opens]')) {
        const name = button.dataset.opens;
        if (opened.has(name) || !stored(name)) continue;
        opened.add(name);
        button.click();
      }
    };
    for (const kind of ['input', 'change']) document.addEventListener(kind, event => keep(event.target), true);
    document.addEventListener('click', event => {
      const button = event.target.closest?.('[data-drops], [data-leaves]');
      if (!button?.form?.dataset.draft) return;
      const { came } = of(button.form);
      if ('drops' in button.dataset) for (const field of fields(button.form)) if (came.has(field.id)) write(field, came.get(field.id));
      forget(button.form);
    }, true);
    // Whoever comes next in this tab finds nothing.
    document.addEventListener('submit', event => {
      if (event.target.getAttribute('action') !== '/sign-out') return;
      for (const key of Object.keys(sessionStorage)) if (key.startsWith('purser:')) sessionStorage.removeItem(key);
    }, true);
    return {
      begin: () => {
        alive = true;
        for (const form of document.querySelectorAll('form[data-draft]')) known.delete(form);
        look();
        new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-draft', 'data-opens'] });
      },
      sent: name => {
        sessionStorage.removeItem(place(name));
        for (const form of document.querySelectorAll('form[data-draft]')) {
          if (form.dataset.draft !== name) continue;
          // How its fields come next is not known here.
          const one = of(form);
          for (const field of fields(form)) one.came.set(field.id, null);
          forget(form);
        }
      },
    };
  })();

  window.purser = {
    // The page answers to clicks from now on.
    ready: () => { drafts.begin(); document.documentElement.dataset.ready = 'yes'; },
    sent: name => drafts.sent(name),
    keep: (name, text) => text ? sessionStorage.setItem('purser:' + name, text) : sessionStorage.removeItem('purser:' + name),
    kept: name => sessionStorage.getItem('purser:' + name),
    copy: text => navigator.clipboard ? navigator.clipboard.writeText(text).then(() => true, () => false) : false,
    print: () => window.print(),
    focus: id => document.getElementById(id)?.focus(),
  };

  if (!document.documentElement.hasAttribute('data-connected')) return;
  const notice = document.getElementById('components-reconnect-modal');
  const back = async () => {
    // The place is in the address: once any host answers, the page comes back there by itself.
    for (;;) {
      try { if ((await fetch('/health/live', { cache: 'no-store' })).ok) { location.reload(); return; } } catch { /* not yet */ }
      await new Promise(wait => setTimeout(wait, 1000));
    }
  };
  let leaving = false;
  notice.addEventListener('components-reconnect-state-changed', change => {
    const state = change.detail.state;
    document.documentElement.dataset.connection = state === 'hide' ? 'there' : 'lost';
    if ((state === 'rejected' || state === 'failed') && !leaving) { leaving = true; back(); }
  });
  Blazor.start({
    circuit: {
      // One connection and nothing before it: any host behind a balancer can take it, whichever one made the page.
      configureSignalR: builder => builder.withUrl('_blazor', { skipNegotiation: true, transport: 1 }),
      reconnectionOptions: { maxRetries: 4, retryIntervalMilliseconds: tried => [0, 500, 1000, 2000][tried] ?? null },
    },
  });
  // A page that slept longer than its place is kept looks alive and is not.
  let awake = Date.now();
  setInterval(() => { const now = Date.now(); if (now - awake > 120000) location.reload(); awake = now; }, 5000);
})();
