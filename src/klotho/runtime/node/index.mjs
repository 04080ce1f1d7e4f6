// The same objects as `require` gives, so that a program mixing both has one cache of secrets and one set of errors.
import runtime from "./index.js";

export const config = runtime.config;
export const ConfigError = runtime.ConfigError;
export const UnknownNameError = runtime.UnknownNameError;
export const NotUnderKlothoError = runtime.NotUnderKlothoError;
export const WrongKindError = runtime.WrongKindError;
export const CallerNotVouchedError = runtime.CallerNotVouchedError;
export const SecretNotSetError = runtime.SecretNotSetError;
export const CredentialsError = runtime.CredentialsError;
export const AwsError = runtime.AwsError;
export const ConditionFailedError = runtime.ConditionFailedError;
export const ServiceError = runtime.ServiceError;
export const NumberText = runtime.NumberText;
export default runtime;
