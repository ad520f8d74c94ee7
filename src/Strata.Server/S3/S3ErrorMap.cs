using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>The one map from what can go wrong to what S3 says of it.</summary>
internal static class S3ErrorMap
{
    private const string Details = "The server's log has the details under the request id.";

    public static S3Error Of(Exception exception) => exception switch
    {
        S3Exception s3 => s3.Error,
        StorageException storage => Of(storage),
        BadHttpRequestException bad => Of(bad),
        _ => S3Error.InternalError,
    };

    /// <summary>
    /// A store's own text may name folders of the server, which are nothing for its clients: it is in the server's log, and
    /// here only where it tells a limit of the contract.
    /// </summary>
    public static S3Error Of(StorageException error) => error.Kind switch
    {
        StorageErrorKind.Full => new(507, "InsufficientStorage", "The bucket has no room left for this."),
        StorageErrorKind.Unsupported => new(501, "NotImplemented", error.Message),
        StorageErrorKind.AccessDenied => new(403, "AccessDenied", $"The server may not do this in its own storage. {Details}"),
        StorageErrorKind.TooLarge => S3Error.EntityTooLarge(error.Message),
        StorageErrorKind.LengthMismatch => S3Error.IncompleteBody,
        StorageErrorKind.Changed => S3Error.OperationAborted("The object was changed by another request at the same time; try again."),
        StorageErrorKind.Unavailable or StorageErrorKind.Timeout or StorageErrorKind.Owned or StorageErrorKind.Closed =>
            new(503, "ServiceUnavailable", $"The bucket's storage is unavailable. {Details}"),
        StorageErrorKind.Corrupt => new(500, "InternalError", $"The stored bytes of the object are damaged. {Details}"),
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
