/** A plain value that DynamoDB can hold; `undefined` attributes are left out, as JSON.stringify does. */
export type Value =
  | null | boolean | string | number | bigint | NumberText | Uint8Array
  | Value[] | Set<string> | Set<number | bigint | NumberText> | Set<Uint8Array>
  | { [attribute: string]: Value | undefined };
export type Item = { [attribute: string]: Value | undefined };

export interface Condition {
  /** A DynamoDB condition expression; nothing is written and ConditionFailedError is thrown when it does not hold. */
  condition?: string;
  /** `:value` placeholders, with or without the colon. */
  values?: Item;
  /** `#name` placeholders, with or without the hash. */
  names?: Record<string, string>;
}

export interface Reading {
  index?: string;
  /** At most so many items. */
  limit?: number;
  /** A DynamoDB filter expression, applied after reading. */
  filter?: string;
  values?: Item;
  names?: Record<string, string>;
  consistent?: boolean;
}

export type Sort =
  | [attribute: string, operator: "=" | "<" | "<=" | ">" | ">=" | "begins_with", value: Value]
  | [attribute: string, operator: "between", low: Value, high: Value];

/** How to reach a MySQL database, with the login as it was at `get`: get it anew for each connection. */
export interface MySql {
  readonly name: string;
  readonly kind: "Databases.MySQL";
  readonly access: string;
  readonly host: string;
  /** Spreads connections over the readers, which are a moment behind; `host` where there are none. */
  readonly readHost: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** What mysql2 takes as `ssl`: certificate and name are verified. */
  readonly ssl: { ca: string; rejectUnauthorized: true; verifyIdentity: true };
  /** `mysql://user:password@host:port/database?ssl=…`, as mysql2 takes it. Holds the password: do not log it. */
  readonly url: string;
  /** Forget the password, for instance after the database refused it. */
  refresh(): void;
}

/** How to reach a Postgres database, with the login as it was at `get`: get it anew for each connection. */
export interface Postgres {
  readonly name: string;
  readonly kind: "Databases.Postgres";
  readonly access: string;
  readonly host: string;
  /** Spreads connections over the readers, which are a moment behind; `host` where there are none. */
  readonly readHost: string;
  readonly port: number;
  readonly database: string;
  readonly dbname: string;
  /** libpq's `sslmode`: `verify-full` wherever Klotho made the database. */
  readonly sslmode: string;
  /** The file with the authorities that vouch for the server. */
  readonly sslrootcert: string;
  readonly user: string;
  readonly password: string;
  /** `postgresql://user:password@host:port/database?sslmode=…&sslrootcert=…`. Holds the password: do not log it. */
  readonly url: string;
  /** Forget the password; the next `datastores.get` fetches it again. */
  refresh(): void;
}

/** How to reach a Redis cache, or with `cluster` the entrance to one; the login is as it was at `get`. */
export interface Redis {
  readonly name: string;
  readonly kind: "Databases.Redis";
  readonly access: string;
  readonly host: string;
  readonly port: number;
  /** Whether clients must speak cluster mode. */
  readonly cluster: boolean;
  /** Whether connections are encrypted: wherever Klotho made the cache, and then none is taken without. */
  readonly tls: boolean;
  /** The file with the authorities that vouch for the server; empty where Node's own do, as on AWS. */
  readonly caFile: string;
  readonly user: string;
  readonly password: string;
  /** `rediss://user:password@host:port/0`. Holds the password: do not log it. */
  readonly url: string;
  /** Forget the password; the next `datastores.get` fetches it again. */
  refresh(): void;
}

/** A small client for one DynamoDB table. For batches and transactions use an AWS SDK with `table`. */
export interface KeyValue {
  readonly name: string;
  readonly kind: "Databases.KeyValue";
  readonly access: string;
  readonly table: string;
  readonly region: string;
  /** For an AWS SDK's `endpoint`: undefined on AWS, the local cloud's address there. */
  readonly endpointUrl: string | undefined;
  get<T = any>(key: Item, options?: { consistent?: boolean }): Promise<T | null>;
  put(item: Item, options?: Condition & { ifAbsent?: boolean }): Promise<void>;
  /** Change top-level attributes at once; resolves with the item as it is then. */
  update<T = any>(key: Item, change: { set?: Item; add?: Item; remove?: string[] } & Condition): Promise<T>;
  /** Resolves with the item that was removed, null if there was none. */
  delete<T = any>(key: Item, options?: Condition): Promise<T | null>;
  query<T = any>(key: Item, options?: Reading & { sort?: Sort; descending?: boolean }): AsyncIterableIterator<T>;
  /** Every item: reads (and bills) the whole table, prefer `query`. */
  scan<T = any>(options?: Reading): AsyncIterableIterator<T>;
}

/** A service that this one may call. */
export interface Service {
  readonly name: string;
  readonly kind: string;
  readonly protocols: string[];
  /** The base URL for HTTP, without a trailing slash. Ask each time: the instance may change. */
  readonly url: Promise<string>;
  /** The `host:port` for gRPC. */
  readonly grpc: Promise<string>;
  address(protocol: "http" | "grpc"): Promise<string>;
  /** The function's ARN. */
  readonly arn: string;
  /** Run the function and resolve with what it returned; `wait: false` queues it; timeout in seconds, default 900. */
  invoke<T = any>(payload?: unknown, options?: { wait?: boolean; timeout?: number }): Promise<T>;
}

/** A secret, with its value as it was at `get`: get it anew for each use, so that a change works without a restart. */
export interface Secret {
  readonly name: string;
  readonly kind: "Secret";
  readonly arn: string;
  /** The text: do not log it. */
  readonly value: string;
  /** The value of a secret that holds JSON; ConfigError when it holds none. */
  json<T = any>(): T;
  /** Forget the value; the next `secrets.get` fetches it again. */
  refresh(): void;
}

/** A queue this service may send to or receive from; messages are JSON. */
export interface Queue {
  readonly name: string;
  readonly kind: "Messaging.Queue";
  readonly access: string;
  readonly url: string;
  readonly fifo: boolean;
  readonly region: string;
  /** For an AWS SDK's `endpoint`: undefined on AWS, the local cloud's address there. */
  readonly endpointUrl: string | undefined;
  /** Resolves with the message's id. FIFO queues need `group`; `delay` in seconds. */
  send(payload: unknown, options?: { group?: string; dedup?: string; delay?: number }): Promise<string>;
  /** Up to `limit` (1 to 10) messages; empty when none came within `wait` seconds (0 to 20, default 20). */
  receive<T = any>(limit?: number, options?: { wait?: number; visibility?: number }): Promise<Message<T>[]>;
}

/** A received message: delete it when it was handled, else it is delivered again. */
export interface Message<T = any> {
  readonly id: string;
  /** The text as it was sent. */
  readonly body: string;
  readonly payload: T;
  readonly receipt: string;
  /** How often it was received, this time included. */
  readonly receives: number;
  readonly group: string | undefined;
  /** What its publisher gave along. */
  readonly attributes: Readonly<Record<string, Attribute>>;
  delete(): Promise<void>;
  /** Hide it for so many seconds from now on; 0 gives it back at once. */
  hide(seconds: number): Promise<void>;
}

export type Attribute = string | number | boolean | Uint8Array | (string | number | boolean | null)[];

/** A topic this service may publish to or receives from; messages are JSON. */
export interface Topic {
  readonly name: string;
  readonly kind: "Messaging.Topic";
  readonly access: string;
  readonly arn: string;
  readonly fifo: boolean;
  readonly region: string;
  /** For an AWS SDK's `endpoint`: undefined on AWS, the local cloud's address there. */
  readonly endpointUrl: string | undefined;
  /** Resolves with the message's id. FIFO topics need `group`; `attributes` (at most 10) are for filters. */
  publish(
    payload: unknown,
    options?: { attributes?: Record<string, Attribute>; group?: string; dedup?: string; subject?: string },
  ): Promise<string>;
  /** In a container that subscribed: as a queue's `receive`. */
  receive<T = any>(limit?: number, options?: { wait?: number; visibility?: number }): Promise<Message<T>[]>;
}

/** A schedule that triggers this container: each message is a run that is due. */
export interface Schedule {
  readonly name: string;
  readonly kind: "Schedule";
  /** As a queue's `receive`; what is not deleted within 30 seconds is delivered again, five times in all. */
  receive(
    limit?: number,
    options?: { wait?: number; visibility?: number },
  ): Promise<Message<{ schedule: string; scheduled_at: string; run: string }>[]>;
}

/** A user pool: ids for Cognito's calls, which you make with an AWS SDK or any Cognito client. */
export interface UserPool {
  readonly name: string;
  readonly kind: "Auth.UserPool";
  readonly access: string;
  readonly poolId: string;
  /** Of the public app client, which has no secret. */
  readonly clientId: string;
  readonly issuer: string;
  readonly region: string;
  /** For an AWS SDK's `endpoint`: undefined on AWS, the local cloud's address there. */
  readonly endpointUrl: string | undefined;
}

/** Who called, as the API's authenticator says. */
export interface Caller {
  /** `jwt` when a token was checked, `function` when a function of your own let the caller in. */
  readonly by: "jwt" | "function";
  /** The token's claims. In a function all are text, as API Gateway hands them over. */
  readonly claims: Readonly<Record<string, any>>;
  /** What your own function added; in a container empty. */
  readonly context: Readonly<Record<string, any>>;
  /** The token's `sub`; empty without a token. */
  readonly subject: string;
  readonly email: string | undefined;
  readonly scopes: string[];
  /** The groups of a user pool that the user belongs to. */
  readonly groups: string[];
}

/** A bucket this service may read or write. For uploads in parts, versions and tags use an AWS SDK with `bucket`. */
export interface Bucket {
  readonly name: string;
  readonly kind: "Storage.Bucket";
  readonly access: string;
  /** The physical name. */
  readonly bucket: string;
  readonly arn: string;
  readonly region: string;
  /** For an AWS SDK's `endpoint` (with `forcePathStyle`): undefined on AWS, the local cloud's address there. */
  readonly endpointUrl: string | undefined;
  /** Resolves with the ETag. `ifAbsent`: ConditionFailedError when there is such an object already. */
  put(
    key: string,
    content: string | Uint8Array | ArrayBuffer,
    options?: { contentType?: string; metadata?: Record<string, string>; ifAbsent?: boolean },
  ): Promise<string>;
  /** In a container that is `triggered_by` the bucket: as a queue's `receive`; `config.buckets.event(message.payload)`. */
  receive(limit?: number, options?: { wait?: number; visibility?: number }): Promise<Message[]>;
  /** The content; null when there is no such object. */
  get(key: string): Promise<Buffer | null>;
  /** The content as a stream; null when there is no such object. */
  open(key: string): Promise<import("node:stream").Readable | null>;
  head(key: string): Promise<(StoredObject & { contentType: string; metadata: Record<string, string> }) | null>;
  exists(key: string): Promise<boolean>;
  delete(key: string): Promise<void>;
  /** In the order of the keys, loaded by the thousand. */
  list(prefix?: string, options?: { limit?: number }): AsyncIterableIterator<StoredObject>;
  /** For whoever has it, good for `expires` seconds (default 3600, at most 604800). */
  presignedUrl(
    key: string,
    options?: { method?: "GET" | "HEAD" | "PUT" | "DELETE"; expires?: number; contentType?: string },
  ): Promise<string>;
}

export interface StoredObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly etag: string;
  readonly modified: Date;
}

/** What a function is told that is `triggered_by` a bucket. Events may come twice, and not in order. */
export interface ObjectEvent {
  readonly kind: "created" | "removed";
  /** The bucket's physical name. */
  readonly bucket: string;
  readonly key: string;
  /** Bytes; undefined of a removed object. */
  readonly size: number | undefined;
  readonly etag: string | undefined;
  readonly version: string | undefined;
  /** Of one key the event with the greater text is the later one. */
  readonly sequencer: string;
  readonly reason: string;
}

/** Something granted whose fields are plain: `config.settings.get("mode").fields.value`. */
export interface Grant {
  readonly name: string;
  readonly kind: string;
  readonly fields: Readonly<Record<string, any>>;
}

/** Of a database or cache. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly database: string | undefined;
  readonly tls: boolean;
  readonly cluster: boolean;
  /** The authorities that vouch for the server, as PEM; undefined where those of Node do. */
  readonly ca: string | undefined;
}

export interface Grants {
  get(name: string): Grant;
  names(): string[];
}

export const config: {
  readonly datastores: {
    /** `await config.datastores.get<Postgres>("users_db")`; the password is loaded when it resolves. */
    get<T extends Postgres | MySql | Redis | KeyValue = any>(name: string): Promise<T>;
    /** Where a database or cache is, without its login: for clients that are made before anything can be awaited. */
    address(name: string): Address;
    names(): string[];
  };
  readonly services: { get(name: string): Service; names(): string[] };
  readonly buckets: {
    get(name: string): Bucket;
    /** What code is told that is `triggered_by` a bucket. */
    event(event: unknown): ObjectEvent;
    names(): string[];
  };
  readonly queues: { get(name: string): Queue; names(): string[] };
  readonly topics: { get(name: string): Topic; names(): string[] };
  /** Of a container; a function is called at their times. */
  readonly schedules: { get(name: string): Schedule; names(): string[] };
  readonly secrets: {
    /** `(await config.secrets.get("stripe_key")).value`; SecretNotSetError while nobody has set it. */
    get(name: string): Promise<Secret>;
    names(): string[];
  };
  readonly settings: Grants;
  readonly userPools: { get(name: string): UserPool; names(): string[] };
  /** Who called, from a Lambda event or a request's headers; null when the route is open to everybody. CallerNotVouchedError
   * where others than APIs can reach this service. */
  caller(request: object): Caller | null;
  /** Forget secrets and addresses kept in memory. */
  refresh(): void;
  /** This service's name in infra.py; empty when not running under Klotho. */
  readonly unit: string;
};

/** A number that neither a double nor a bigint holds exactly; kept as text, and written back as a number. */
export class NumberText {
  constructor(text: string);
  toString(): string;
}

export class ConfigError extends Error {}
export class UnknownNameError extends ConfigError {}
export class NotUnderKlothoError extends UnknownNameError {}
export class WrongKindError extends ConfigError {}
export class CallerNotVouchedError extends ConfigError {}
export class SecretNotSetError extends ConfigError {}
export class CredentialsError extends ConfigError {}
export class AwsError extends Error {
  readonly service: string;
  readonly code: string;
  /** The HTTP status, 0 when no answer came. */
  readonly status: number;
  readonly requestId: string;
}
export class ConditionFailedError extends AwsError {}
/** The invoked function ran and failed. */
export class ServiceError extends Error {
  readonly service: string;
  readonly type: string;
  readonly trace: string[];
}
