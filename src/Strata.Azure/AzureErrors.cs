using System.Net.Sockets;
using Azure;

namespace Strata.Azure;

/// <summary>What the errors of the service, the SDK and the network mean here: the one place where they are told apart.</summary>
internal static class AzureErrors
{
    public static RemoteFault Classify(Exception error)
    {
        for (Exception? e = error; e is not null; e = e.InnerException)
        {
            if (e is AzureFailure answer) return OfAnswer(answer);
            if (e is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError })
                return new(StorageErrorKind.Unavailable, "cannot be reached", IsTransient: true);
            if (e is OperationCanceledException or TimeoutException) return new(StorageErrorKind.Timeout, "did not answer in time", IsTransient: true, IsUnknown: true);
            if (e is HttpRequestException or IOException or SocketException) return new(StorageErrorKind.Unavailable, "broke off the connection", IsTransient: true, IsUnknown: true);
        }

        // What the SDK throws without an answer and without a network error is about credentials.
        return error is RequestFailedException || error.GetType().Name == "AuthenticationFailedException" || error.GetType().Name == "CredentialUnavailableException"
            ? new(StorageErrorKind.AccessDenied, "was not asked: no token was to be had for the credential")
            : new(StorageErrorKind.Unavailable, $"failed with {error.GetType().Name}", IsUnknown: true);
    }

    private static RemoteFault OfAnswer(AzureFailure e)
    {
        string code = e.Code.Length > 0 ? $"{e.Status} {e.Code}" : $"{e.Status}";
        return e.Code switch
        {
            "ContainerNotFound" => new(StorageErrorKind.Unavailable, $"has no such container; create it first ({code})"),
            "ContainerBeingDeleted" or "ContainerDisabled" => new(StorageErrorKind.Unavailable, $"has a container that is being deleted ({code})"),
            "ServerBusy" => new(StorageErrorKind.Unavailable, $"is busy ({code})", IsTransient: true, RetryAfter: e.RetryAfter),
            "OperationTimedOut" => new(StorageErrorKind.Timeout, $"gave up the request ({code})", IsTransient: true, IsUnknown: true, RetryAfter: e.RetryAfter),
            "BlobArchived" => new(StorageErrorKind.Unsupported, $"has the blob in the archive tier; bring it back by {nameof(IAccessTiers)}.{nameof(IAccessTiers.RehydrateAsync)}, which takes hours ({code})"),
            "BlobBeingRehydrated" => new(StorageErrorKind.Unavailable, $"is still bringing the blob back from the archive tier ({code})", IsTransient: true, IsWorthRetrying: false),
            "LeaseIdMissing" or "LeaseLost" or "LeaseIdMismatchWithBlobOperation" => new(StorageErrorKind.Unavailable, $"lets nobody change the blob, as another program has a lease on it ({code})", IsTransient: true, IsWorthRetrying: false),
            "SnapshotsPresent" => new(StorageErrorKind.Unsupported, $"does not delete a blob that others made snapshots of; delete those first ({code})"),
            "BlobImmutableDueToPolicy" or "BlobImmutableDueToLegalHold" => new(StorageErrorKind.AccessDenied, $"holds the blob under a policy that lets nobody change it ({code})"),
            "Md5Mismatch" or "Crc64Mismatch" => new(StorageErrorKind.Corrupt, $"received other bytes than were sent ({code})", IsTransient: true),
            "RequestBodyTooLarge" or "BlockCountExceedsLimit" or "BlockListTooLong" => new(StorageErrorKind.TooLarge, $"finds the blob too long ({code})"),
            "AccountIsDisabled" or "InsufficientAccountPermissions" or "AuthorizationFailure" or "AuthorizationPermissionMismatch" => new(StorageErrorKind.AccessDenied, $"denied access ({code})"),
            "AuthenticationFailed" or "InvalidAuthenticationInfo" => new(StorageErrorKind.AccessDenied, $"refused the credentials: wrong, expired, or this machine's clock is ({code})"),
            "FeatureNotSupported" or "AccessTierNotSupportedForBlobType" or "UnsupportedHeader" or "UnsupportedQueryParameter" or "NotImplemented" or "InvalidBlobTier" => new(StorageErrorKind.Unsupported, $"does not support what was asked ({code})"),
            "InvalidBlobOrBlock" => new(StorageErrorKind.Unavailable, $"holds unfinished blocks that another program sent for this key; they are gone after a week, or when somebody writes the blob whole ({code})"),
            _ => e.Status switch
            {
                401 or 403 => new(StorageErrorKind.AccessDenied, $"denied access ({code})"),
                408 => new(StorageErrorKind.Timeout, $"waited too long for the request ({code})", IsTransient: true),
                413 => new(StorageErrorKind.TooLarge, $"finds the blob too long ({code})"),
                429 => new(StorageErrorKind.Unavailable, $"is busy ({code})", IsTransient: true, RetryAfter: e.RetryAfter),
                501 => new(StorageErrorKind.Unsupported, $"does not support what was asked ({code})"),
                507 => new(StorageErrorKind.Full, $"is full ({code})"),
                >= 500 => new(StorageErrorKind.Unavailable, $"failed ({code})", IsTransient: true, IsUnknown: true, RetryAfter: e.RetryAfter),
                >= 300 and < 400 => new(StorageErrorKind.Unavailable, $"sends elsewhere; check the endpoint ({code})"),
                < 300 => new(StorageErrorKind.Unavailable, $"gave an answer that cannot be read ({code})", IsTransient: true, IsUnknown: true),
                _ => new(StorageErrorKind.Unavailable, $"refused the request ({code})"),
            },
        };
    }
}
