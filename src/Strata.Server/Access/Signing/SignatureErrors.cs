namespace Strata.Server;

/// <summary>S3's errors of requests whose signature is missing, malformed or wrong. None of them holds a secret or what was to be signed.</summary>
internal static class SignatureErrors
{
    public static S3Error UnknownKey { get; } = new(403, "InvalidAccessKeyId", "The access key id that you provided does not exist in our records.");

    public static S3Error Mismatch { get; } = new(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check the secret, and that nothing between client and server changes the path, the query or signed headers.");

    public static S3Error TooSkewed { get; } = new(
        403, "RequestTimeTooSkewed", "The difference between the request time and the server's time is too large: it may be 15 minutes. Check the clocks.");

    public static S3Error Expired { get; } = new(403, "AccessDenied", "Request has expired.");

    public static S3Error NotYetValid { get; } = new(403, "AccessDenied", "Request is not yet valid.");

    public static S3Error NoDate { get; } = new(403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header, which is signed.");

    public static S3Error NoPayload { get; } = new(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256.");

    public static S3Error BadPayload { get; } = new(
        400,
        "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a SHA-256 digest in hexadecimal.");

    public static S3Error TwoMechanisms { get; } = new(
        400,
        "InvalidArgument",
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified.");

    public static S3Error Unsupported { get; } = new(
        400, "InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.");

    public static S3Error UnsupportedType { get; } = new(400, "InvalidArgument", "Unsupported Authorization Type.");

    public static S3Error Token { get; } = new(400, "InvalidToken", "This server has no temporary credentials: sign without x-amz-security-token.");

    public static S3Error NoChunkSignature { get; } = new(403, "SignatureDoesNotMatch", "A chunk of the body, or its trailer, has no signature.");

    public static S3Error NotSigned(string header) => new(403, "AccessDenied", $"There were headers present in the request which were not signed: {header}.");

    /// <summary>A header that was signed, and that somebody between client and server took away.</summary>
    public static S3Error Missing(string header) => new(400, "MissingSecurityHeader", $"Your request was missing a required header: {header} is signed, and not there.");

    /// <summary>What is wrong with the Authorization header or, of a presigned address, with the query.</summary>
    public static S3Error Malformed(bool isPresigned, string fault) =>
        new(400, isPresigned ? "AuthorizationQueryParametersError" : "AuthorizationHeaderMalformed", fault);
}
