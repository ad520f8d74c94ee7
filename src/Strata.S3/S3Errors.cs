using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;
using Amazon.Runtime.Internal;

namespace Strata.S3;

/// <summary>What the errors of the SDK and of the network mean here: the one place where they are told apart.</summary>
internal static class S3Errors
{
    private static readonly string[] Throttling = ["SlowDown", "ServiceUnavailable", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests", "Busy", "XMinioServerNotInitialized"];

    public static RemoteFault Classify(Exception error)
    {
        for (Exception? e = error; e is not null; e = e.InnerException)
        {
            if (e is AmazonServiceException service && (int)service.StatusCode > 0) return OfAnswer(service);
            if (e is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError })
                return new(StorageErrorKind.Unavailable, "cannot be reached", IsTransient: true);
            if (e is OperationCanceledException or TimeoutException) return new(StorageErrorKind.Timeout, "did not answer in time", IsTransient: true, IsUnknown: true);
            if (e is HttpRequestException or IOException or SocketException) return new(StorageErrorKind.Unavailable, "broke off the connection", IsTransient: true, IsUnknown: true);
        }

        // What the SDK throws without an answer and without a network error is about credentials or settings.
        return error is AmazonClientException
            ? new(StorageErrorKind.AccessDenied, "was not asked: no credentials were found, or they could not be refreshed")
            : new(StorageErrorKind.Unavailable, $"failed with {error.GetType().Name}", IsUnknown: true);
    }

    public static bool IsMissing(AmazonServiceException e) => e.StatusCode == HttpStatusCode.NotFound && e.ErrorCode is not "NoSuchBucket";

    public static bool IsRefused(AmazonServiceException e) => e.StatusCode == HttpStatusCode.PreconditionFailed;

    private static RemoteFault OfAnswer(AmazonServiceException e)
    {
        string code = e.ErrorCode is { Length: > 0 } given ? $"{(int)e.StatusCode} {given}" : $"{(int)e.StatusCode}";
        TimeSpan? pause = RetryAfter(e);
        return e.ErrorCode switch
        {
            "NoSuchBucket" => new(StorageErrorKind.Unavailable, $"has no such bucket; create it first ({code})"),
            "ExpiredToken" or "TokenRefreshRequired" => new(StorageErrorKind.AccessDenied, $"refused credentials that have expired ({code})", IsTransient: true, IsWorthRetrying: false),
            "RequestTimeTooSkewed" => new(StorageErrorKind.AccessDenied, $"finds this machine's clock wrong ({code})"),
            "RequestTimeout" => new(StorageErrorKind.Timeout, $"waited too long for the request ({code})", IsTransient: true),
            "BadDigest" or "XAmzContentSHA256Mismatch" or "InvalidDigest" => new(StorageErrorKind.Corrupt, $"received other bytes than were sent ({code})", IsTransient: true),
            "EntityTooLarge" => new(StorageErrorKind.TooLarge, $"finds the blob too long ({code})"),
            "QuotaExceeded" or "XMinioStorageFull" or "InsufficientStorage" => new(StorageErrorKind.Full, $"is full ({code})"),
            "NotImplemented" or "InvalidStorageClass" or "KMS.NotFoundException" => new(StorageErrorKind.Unsupported, $"does not support what was asked: {e.Message} ({code})"),
            "InvalidObjectState" => new(StorageErrorKind.Unsupported, $"has the blob in an archive; restore it first ({code})"),
            "UnknownError" when (int)e.StatusCode == 500 => new(StorageErrorKind.Unavailable, $"failed ({code})", IsTransient: true, IsUnknown: true, RetryAfter: pause, IsLostRace: true),
            "ConditionalRequestConflict" or "OperationAborted" => new(StorageErrorKind.Unavailable, $"had another request for the same key at the same time ({code})", IsTransient: true, RetryAfter: pause),
            { } known when Throttling.Contains(known) => new(StorageErrorKind.Unavailable, $"is busy ({code})", IsTransient: true, RetryAfter: pause),
            _ => (int)e.StatusCode switch
            {
                401 or 403 => new(StorageErrorKind.AccessDenied, $"denied access ({code})"),
                429 => new(StorageErrorKind.Unavailable, $"is busy ({code})", IsTransient: true, RetryAfter: pause),
                507 => new(StorageErrorKind.Full, $"is full ({code})"),
                501 => new(StorageErrorKind.Unsupported, $"does not support what was asked ({code})"),
                >= 500 => new(StorageErrorKind.Unavailable, $"failed ({code})", IsTransient: true, IsUnknown: true, RetryAfter: pause),
                >= 300 and < 400 => new(StorageErrorKind.Unavailable, $"says that the bucket is elsewhere; check region and endpoint ({code})"),

                // An answer of success that the SDK could not make out: something was done.
                < 300 => new(StorageErrorKind.Unavailable, $"gave an answer that cannot be read ({code})", IsTransient: true, IsUnknown: true),
                _ => new(StorageErrorKind.Unavailable, $"refused the request: {e.Message} ({code})"),
            },
        };
    }

    private static TimeSpan? RetryAfter(AmazonServiceException e) =>
        e.InnerException is HttpErrorResponseException { Response: { } response } && response.IsHeaderPresent("Retry-After")
        && int.TryParse(response.GetHeaderValue("Retry-After"), out int seconds) && seconds >= 0
            ? TimeSpan.FromSeconds(Math.Min(seconds, 60))
            : null;
}
