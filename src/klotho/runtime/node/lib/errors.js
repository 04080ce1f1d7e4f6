"use strict";
// Errors of the runtime SDK. Every message says what to do; none of them carries a secret's value.

/** Something about this service's configuration is wrong; base of all errors thrown by `config`. */
class ConfigError extends Error {
  constructor(message) {
    super(message);
    this.name = new.target.name;
  }
}
/** A name this service was not granted. */
class UnknownNameError extends ConfigError {}
/** No variable of Klotho is set: started outside of a Klotho environment. */
class NotUnderKlothoError extends UnknownNameError {}
/** The name exists but is of another kind, or lacks what was asked of it. */
class WrongKindError extends ConfigError {}
/** A secret exists and has no value: nobody has run `klotho secret set` yet. */
class SecretNotSetError extends ConfigError {}
/** Who called can't be known: others than the API that checks tokens can reach this service. */
class CallerNotVouchedError extends ConfigError {}
/** No AWS credentials could be found or refreshed. */
class CredentialsError extends ConfigError {}

/** An AWS API answered with an error, or could not be reached (code `ConnectionError`, status 0). */
class AwsError extends Error {
  constructor(service, code, message, status = 0, requestId = "") {
    super(`${service}: ${code}: ${message}`);
    this.name = new.target.name;
    Object.assign(this, { service, code, status, requestId });
    Object.defineProperty(this, "detail", { value: message });
  }
}
/** The condition of a put, update or delete did not hold; nothing was written. */
class ConditionFailedError extends AwsError {}

/** The function that was invoked ran and failed. */
class ServiceError extends Error {
  constructor(service, type, message, trace = []) {
    super(`${service} failed: ${type}: ${message}`);
    this.name = "ServiceError";
    Object.assign(this, { service, type, trace });
  }
}

module.exports = {
  ConfigError,
  UnknownNameError,
  NotUnderKlothoError,
  WrongKindError,
  CallerNotVouchedError,
  SecretNotSetError,
  CredentialsError,
  AwsError,
  ConditionFailedError,
  ServiceError,
};
