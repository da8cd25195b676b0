// Questions to the server that started this page.
export async function ask(name, question = {}) {
  const answer = await fetch(`ask/${name}`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(question),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}
