using Xunit;

namespace Strata.Backends.Tests;

/// <summary>What an S3 server says, and no other: the rest is <see cref="RemoteNetworkTests"/> and <see cref="RemoteFaultTests"/>.</summary>
public abstract class S3FaultTests(S3Server server) : ProxiedStoreTests(server)
{
    [Theory]
    [InlineData("403 Forbidden", "ExpiredToken", StorageErrorKind.AccessDenied, true)]
    [InlineData("403 Forbidden", "AccessDenied", StorageErrorKind.AccessDenied, false)]
    [InlineData("404 Not Found", "NoSuchBucket", StorageErrorKind.Unavailable, false)]
    [InlineData("400 Bad Request", "EntityTooLarge", StorageErrorKind.TooLarge, false)]
    [InlineData("507 Insufficient Storage", "InsufficientStorage", StorageErrorKind.Full, false)]
    [InlineData("501 Not Implemented", "NotImplemented", StorageErrorKind.Unsupported, false)]
    public Task What_no_repetition_mends_is_told_at_once(string status, string code, StorageErrorKind kind, bool isTransient) =>
        AssertToldAtOnceAsync(status, code, kind, isTransient);
}
