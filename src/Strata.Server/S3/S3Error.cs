namespace Strata.Server;

/// <summary>An error as S3 gives it: HTTP status, code, and a message for a person.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Code">One of S3's codes, where it has one that fits.</param>
/// <param name="Message">What was wrong, and what to do.</param>
internal sealed record S3Error(int Status, string Code, string Message)
{
    /// <summary>Seconds after which to try again; null for no such advice.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>A limit refused the request; nothing of it was done.</summary>
    public static S3Error SlowDown { get; } = new(503, nameof(SlowDown), "Please reduce your request rate.") { RetryAfter = 1 };

    /// <summary>S3 has no such limit and no code for it; this one its clients understand, and try again for a while.</summary>
    public static S3Error TooManyUnfinishedUploads { get; } = SlowDown with
    {
        Message = "The bucket has as many uploads in parts as this server keeps. Complete or abort some; those that nobody touches expire.",
    };

    public static S3Error NoSuchKey { get; } = new(404, nameof(NoSuchKey), "The specified key does not exist.");

    public static S3Error PreconditionFailed { get; } =
        new(412, nameof(PreconditionFailed), "At least one of the preconditions that you specified did not hold.");

    public static S3Error AccessDenied { get; } = new(403, nameof(AccessDenied), "Access Denied.");

    public static S3Error MethodNotAllowed { get; } = new(405, nameof(MethodNotAllowed), "The specified method is not allowed against this resource.");

    public static S3Error IncompleteBody { get; } =
        new(400, nameof(IncompleteBody), "You did not provide the number of bytes specified by the Content-Length or x-amz-decoded-content-length header.");

    public static S3Error MalformedXml { get; } =
        new(400, "MalformedXML", "The XML that you provided was not well-formed or did not validate against our published schema.");

    public static S3Error InternalError { get; } = new(500, nameof(InternalError), "We encountered an internal error. The server's log has the details under the request id.");

    public static S3Error NoSuchBucket(string bucket) => new(404, nameof(NoSuchBucket), $"The bucket '{bucket}' does not exist.");

    public static S3Error InvalidArgument(string message) => new(400, nameof(InvalidArgument), message);

    public static S3Error InvalidRequest(string message) => new(400, nameof(InvalidRequest), message);

    public static S3Error InvalidUri(string message) => new(400, "InvalidURI", message);

    public static S3Error NotImplemented(string what) => new(501, nameof(NotImplemented), $"{what} is not implemented by this server.");

    public static S3Error EntityTooLarge(string message) => new(400, nameof(EntityTooLarge), message);

    public static S3Error MetadataTooLarge(string what) =>
        new(400, nameof(MetadataTooLarge), $"{what} exceed the maximum of {WriteOptions.MaxMetadataBytes - S3Reserved.Room} bytes.");

    public static S3Error BadDigest(string checksum) => new(400, nameof(BadDigest), $"The {checksum} that you specified did not match the one calculated from the body.");

    public static S3Error OperationAborted(string message) => new(409, nameof(OperationAborted), message);

    public static S3Error NoSuchUpload { get; } = new(
        404, nameof(NoSuchUpload), "The specified multipart upload does not exist. The upload ID might be invalid, or the multipart upload might have been aborted or completed.");

    public static S3Error InvalidRange(long length) => new(416, nameof(InvalidRange), $"The requested range is not satisfiable: the object has {length} bytes.");

    /// <summary>The key's fault, in the words of <see cref="BlobKey"/>.</summary>
    public static S3Error InvalidKey(string key, string fault) => System.Text.Encoding.UTF8.GetByteCount(key) > BlobKey.MaxBytes
        ? new(400, "KeyTooLongError", fault)
        : InvalidArgument(fault);

    public S3Exception AsException() => new(this);
}
