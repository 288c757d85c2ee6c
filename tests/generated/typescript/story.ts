// What a stranger's program does with the TypeScript client that a generator made of the document.
// It prints what it was told, as JSON; the tests hold that against the same story in Python.

import { createClient, createConfig, type Client } from './client/client/index.js'
import {
  deleteToken,
  getContribution,
  getContributions,
  getExports,
  getMe,
  getSkills,
  patchContribution,
  postAccounts,
  postContributions,
  postFeedback,
} from './client/sdk.gen.js'
import type { Licence, Offer, Problem, SentRow } from './client/types.gen.js'

type Told = Record<string, unknown>
type Answer = { data: unknown; error: Problem | undefined; response?: Response }

function sure<Value>(value: Value | undefined | null): Value {
  if (value === undefined || value === null) throw new Error('there is nothing')
  return value
}

function anOffer(title: string, row: SentRow, licence: Licence = 'CC0-1.0'): Offer {
  return { title, skill: 'sums', licence, consent: 'train', signed_off: true, rows: [row] }
}

async function pages(client: Client, author: string): Promise<string[][]> {
  const found: string[][] = []
  let cursor: string | undefined
  do {
    const page = sure((await getContributions({ client, query: { author, limit: 2, cursor } })).data)
    found.push(page.items.map((one) => one.title))
    cursor = page.next === null ? undefined : sure(new URL(page.next).searchParams.get('cursor'))
  } while (cursor !== undefined)
  return found
}

function refusal(answer: Answer): Told {
  const problem = sure(answer.error)
  return {
    status: [sure(answer.response).status, problem.status],
    code: problem.code,
    faults: (problem.errors ?? []).map((fault) => [fault.pointer, fault.code]),
  }
}

async function story(url: string): Promise<Told> {
  const told: Told = {}
  const stranger = createClient(createConfig({ baseUrl: url }))
  told.skills = sure((await getSkills({ client: stranger })).data).items.map((skill) => skill.name)

  const signUp = {
    client: stranger,
    body: {
      name: 'ada',
      password: 'a long enough phrase',
      token: { scopes: ['contribute' as const, 'feedback' as const] },
    },
  }
  const token = sure(sure((await postAccounts(signUp)).data).token)
  told.taken = refusal(await postAccounts(signUp))
  const client = createClient(createConfig({ baseUrl: url, auth: token.token }))
  const me = sure((await getMe({ client })).data)
  told.me = [me.name, me.role, sure(me.token).scopes]
  const [from, until] = [sure(me.token).created_at, sure(me.token).expires_at]
  told.days = Math.round((Date.parse(until) - Date.parse(from)) / 86_400_000)

  const first = {
    client,
    body: anOffer('First', { prompt: '2+2', completion: '4' }),
    headers: { 'Idempotency-Key': 'story-first' },
  }
  const answers = [await postContributions(first), await postContributions(first)]
  const numbers = answers.map(({ data }) => (data && 'number' in data ? data.number : undefined))
  told.replayed = answers.map(({ response }) => sure(response).headers.get('Idempotent-Replayed'))
  told.once = sure(numbers[0]) === sure(numbers[1])

  const answer = await getContribution({ client, path: { number: String(numbers[0]) } })
  const read = sure(answer.data)
  told.read = [read.title, read.kind, read.stage === 'submitted', read.row_count]
  told.found = read.findings.map((one) => one.severity)
  told.when = /Z$|[+-]\d\d:\d\d$/.test(read.created_at)

  // What was read can be sent: the licence of an answer is that of a request.
  const second = anOffer('Second', { prompt: '2+3', completion: '5' }, read.licence)
  const third = anOffer('Third', { prompt: '2+4', completion: '6' })
  const dry = sure((await postContributions({ client, body: second, query: { dry_run: true } })).data)
  told.dry = ['dry_run' in dry && dry.dry_run, dry.counts.stored]
  for (const body of [second, third]) {
    sure((await postContributions({ client, body })).data)
  }
  told.pages = await pages(client, me.name)

  const guarded = {
    client,
    path: { number: read.id },
    headers: { 'If-Match': sure(sure(answer.response).headers.get('ETag')) },
  }
  const edited = await patchContribution({ ...guarded, body: { title: 'First, mended' } })
  told.edited = sure(edited.data).title
  told.lost = refusal(await patchContribution({ ...guarded, body: { title: 'Never' } }))

  const bad = anOffer('Bad', { prompt: '2+5' })
  told.bad = refusal(await postContributions({ client, body: bad }))
  told.nowhere = refusal(await getContribution({ client, path: { number: '999999' } }))

  const items = [
    { prompt: '3+3', answer: '7', success: false, correction: '6', client_id: 'good' },
    { prompt: '3+4', answer: '7', rating: 9, client_id: 'bad' },
  ]
  const sent = await postFeedback({ client, body: { items, source: 'story' } })
  const stored = sure(sent.data)
  if (!('rows' in stored)) throw new Error('it waits')
  told.feedback = {
    status: sure(sent.response).status,
    counts: [stored.counts.rows, stored.counts.stored, stored.counts.refused],
    verdicts: stored.rows.map((row) => row.verdict),
    pointers: stored.rows.map((row) => row.pointer ?? null),
  }

  const mine = { mine: true, stage: 'submitted' as const }
  const exported = sure((await getExports({ client, query: mine, parseAs: 'blob' })).data)
  if (!(exported instanceof Blob)) throw new Error('this is no file')
  const lines = (await exported.text()).trim().split('\n')
  told.exported = lines.map((line) => String(JSON.parse(line).prompt)).sort()

  const ended = await deleteToken({ client, path: { number: String(token.number) } })
  told.ended = sure(ended.response).status
  told.after = refusal(await getMe({ client }))
  return told
}

// What the types refuse, so that they are seen to be there; nobody calls it.
export async function wrong(client: Client): Promise<void> {
  // @ts-expect-error: there is no such licence
  anOffer('Wrong', {}, 'WTFPL')
  // @ts-expect-error: a PR has a number
  await getContribution({ client })
  // @ts-expect-error: an edit names what it read
  await patchContribution({ client, path: { number: '1' }, body: { title: 'Wrong' } })
}

if (process.argv[2] !== undefined) {
  console.log(JSON.stringify(await story(process.argv[2])))
}
