// The form: products with the settings that the models declare, what is drawn, mistakes beside their fields.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'text') made.textContent = value;
    else if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children);
  return made;
}

export function options(select, values, first) {
  const rows = values.map((value) => (typeof value === 'string' ? { value, text: value } : value));
  select.replaceChildren(...(first === undefined ? [] : [element('option', { value: '', text: first })]),
    ...rows.map(({ value, text }) => element('option', { value, text })));
}

function input(setting, key, value, changed) {
  const id = key.replaceAll('.', '-'), standard = setting.default && setting.default !== 'none' ? setting.default : '';
  let field;
  if (setting.words.length) {
    field = element('select', { id });
    options(field, setting.words, standard ? `${standard} (default)` : 'not given');
  } else {
    field = element('input', { id, placeholder: standard || 'not given', autocomplete: 'off' });
  }
  field.value = value ?? '';
  field.dataset.key = key;
  field.title = setting.help;
  field.setAttribute('aria-description', `${setting.help}${setting.values ? `; ${setting.values}` : ''}`);
  field.addEventListener('input', () => changed(field.value));
  const limits = [setting.unit, setting.words.length ? '' : setting.values].filter(Boolean).join(', ');
  return element('p', { class: 'row' }, element('label', { for: id, text: setting.path, title: setting.help }), field,
    element('span', { class: 'unit', text: limits }), element('span', { class: 'mistake', 'data-mistake': key }));
}

// one check box for each product, and its settings below it where it is chosen
export function products(target, declared, chosen, changed) {
  target.replaceChildren(...declared.map((product) => {
    const settings = element('div', { class: 'settings' }), id = `product-${product.name}`;
    const fill = () => {
      settings.replaceChildren(...(chosen()[product.name] === undefined ? [] : [element('details', {},
        element('summary', { text: `settings of ${product.name}` }),
        ...product.settings.map((setting) => input(setting, `products.${product.name}.${setting.path}`,
          chosen()[product.name][setting.path], (value) => {
            if (value === '') delete chosen()[product.name][setting.path];
            else chosen()[product.name][setting.path] = value;
            changed();
          })))]));
    };
    const box = element('input', { type: 'checkbox', id, 'data-key': `products.${product.name}`, checked: chosen()[product.name] !== undefined });
    box.addEventListener('change', () => {
      if (box.checked) chosen()[product.name] = {};
      else delete chosen()[product.name];
      fill();
      changed();
    });
    fill();
    return element('div', {}, element('label', { for: id }, box, ` ${product.name}: `, element('span', { text: product.help })),
      element('span', { class: 'mistake', 'data-mistake': `products.${product.name}` }), settings);
  }));
}

// the mistakes of the check: each beside its field, all in a list
export function mistakes(list) {
  const places = [...document.querySelectorAll('[data-mistake]')], fields = [...document.querySelectorAll('[data-key]')];
  places.forEach((place) => { place.textContent = ''; });
  fields.forEach((field) => field.removeAttribute('aria-invalid'));
  for (const [key, said] of list) {
    const field = fields.find((one) => key === one.dataset.key) || fields.find((one) => key && key.startsWith(`${one.dataset.key}.`));
    if (field) field.setAttribute('aria-invalid', 'true');
    const place = places.find((one) => key === one.dataset.mistake)
      || places.filter((one) => key.startsWith(`${one.dataset.mistake}.`)).pop();
    if (place) place.textContent = said;
    if (place && place.closest('details:not([open])')) place.closest('details').open = true;
  }
  document.getElementById('mistakes').replaceChildren(
    ...list.map(([key, said]) => element('li', { text: key ? `${key}: ${said}` : said })));
}
