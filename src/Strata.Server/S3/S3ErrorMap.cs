using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>The one map from what can go wrong to what S3 says of it.</summary>
internal static class S3ErrorMap
{
    public static S3Error Of(Exception exception) => exception switch
    {
        S3Exception s3 => s3.Error,
        StorageException storage => Of(storage),
        BadHttpRequestException bad => Of(bad),
        _ => S3Error.InternalError,
    };

    public static S3Error Of(StorageException error) => error.Kind switch
    {
        StorageErrorKind.Full => new(507, "InsufficientStorage", error.Message),
        StorageErrorKind.Unsupported => new(501, "NotImplemented", error.Message),
        StorageErrorKind.AccessDenied => new(403, "AccessDenied", error.Message),
        StorageErrorKind.TooLarge => S3Error.EntityTooLarge(error.Message),
        StorageErrorKind.LengthMismatch => S3Error.IncompleteBody,
        StorageErrorKind.Changed => S3Error.OperationAborted(error.Message),
        StorageErrorKind.Unavailable or StorageErrorKind.Timeout or StorageErrorKind.Owned or StorageErrorKind.Closed => new(503, "ServiceUnavailable", error.Message),
        StorageErrorKind.Corrupt => new(500, "InternalError", error.Message),
        _ => S3Error.InternalError,
    };

    /// <summary>What the web server finds wrong while a body is read.</summary>
    private static S3Error Of(BadHttpRequestException error) => error.StatusCode switch
    {
        StatusCodes.Status413PayloadTooLarge => S3Error.EntityTooLarge("The body is longer than this server takes."),
        StatusCodes.Status408RequestTimeout => new(400, "RequestTimeout", "The body arrived too slowly."),
        _ when error.Message.Contains("end of request", StringComparison.OrdinalIgnoreCase) => S3Error.IncompleteBody,
        _ => S3Error.InvalidRequest(error.Message),
    };
}
