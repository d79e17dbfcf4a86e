// The members of a database, one of them in use: a call has one deadline, and moves to the next member when one fails.

export interface Member<Client> {
  readonly host: string;
  client: Client;
}

/** How a database's errors are to be read. */
export interface Faults {
  /** The member could not be asked or did not answer; not that it refused. */
  isOutage(error: unknown): boolean;
  /** The request has provably not left this process. */
  neverSent(error: unknown): boolean;
  wrap(subject: string, error: unknown): Error;
}

/** `deadline` in ms since 1970. */
export type Call<Client, T> = (client: Client, options: { deadline: number }) => Promise<T>;

export class Members<Client extends { close(): void }> {
  readonly #members: readonly [Member<Client>, ...Member<Client>[]];
  readonly #connect: (host: string) => Client;
  readonly #faults: Faults;
  readonly #deadline_ms: number;
  #current: Member<Client>;
  #closed = false;

  constructor(
    hosts: readonly [string, ...string[]],
    connect: (host: string) => Client,
    faults: Faults,
    deadline_ms: number,
  ) {
    const [first, ...others] = hosts;
    const member = (host: string) => ({ host, client: connect(host) });
    this.#members = [member(first), ...others.map(member)];
    this.#current = this.#members[0];
    this.#connect = connect;
    this.#faults = faults;
    this.#deadline_ms = deadline_ms;
  }

  map<T>(work: (member: Member<Client>) => T): T[] {
    return this.#members.map(work);
  }

  get current(): Member<Client> {
    return this.#current;
  }

  /** For what may be done twice: asked again, of the next member if there is one. */
  read<T>(subject: string, call: Call<Client, T>): Promise<T> {
    return this.#ask(subject, call, this.#faults.isOutage);
  }

  /** For what must not be done twice. */
  write<T>(subject: string, call: Call<Client, T>): Promise<T> {
    return this.#ask(subject, call, this.#faults.neverSent);
  }

  /** Others are asked from now on, if there are others and nobody has moved on already. */
  leave(member: Member<Client>): void {
    if (this.#current !== member) return;
    const next = (this.#members.indexOf(member) + 1) % this.#members.length;
    this.#current = this.#members[next] ?? member;
  }

  reconnect(member: Member<Client>): void {
    if (this.#closed) return;
    member.client.close();
    member.client = this.#connect(member.host);
  }

  close(): void {
    this.#closed = true;
    for (const { client } of this.#members) client.close();
  }

  async #ask<T>(subject: string, call: Call<Client, T>, mayRepeat: (error: unknown) => boolean): Promise<T> {
    const end = Date.now() + this.#deadline_ms;
    for (let spare = Math.max(1, this.#members.length - 1); ; spare--) {
      const member = this.#current;
      const now = Date.now();
      // While others could still be asked, one silent member must not use up all the time.
      const deadline = this.#members.length > 1 && spare > 0 ? now + (end - now) / 2 : end;
      try {
        return await call(member.client, { deadline });
      } catch (error) {
        if (this.#faults.isOutage(error)) this.leave(member);
        if (spare === 0 || Date.now() >= end || !mayRepeat(error)) throw this.#faults.wrap(subject, error);
      }
    }
  }
}
