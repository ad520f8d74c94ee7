using Xunit;

namespace Strata.Backends.Tests;

/// <summary>S3 may begin its answer to a completion with 200 before it knows its end: the error is then in the body.</summary>
[Collection(nameof(StrataS3Server))]
public sealed class S3JoinTests(StrataS3Server server)
{
    private static readonly BlobKey Key = BlobKey.Parse("dir/blob");
    private static readonly byte[] Large = new byte[6 << 20];

    [Fact]
    public async Task A_completion_that_failed_behind_its_200_is_no_success()
    {
        string bucket = await server.CreateBucketAsync();
        await using var proxy = new TcpProxy(server.Endpoint);
        await using IBlobStore store = await server.OpenAsync(bucket, new RemoteSettings { Proxy = proxy.Address });
        proxy.FailNext(server.IsJoin, server.Refusing("200 OK", "InternalError"));
        Assert.True((await store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(Large)))).IsWritten);
        Assert.Equal(2, proxy.Requests.Count(server.IsJoin));
        Assert.Equal(Large, await store.GetBytesAsync(Key));

        proxy.FailNext(server.IsJoin, server.Refusing("200 OK", "InternalError"), times: 1000);
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await store.WriteAsync(BlobKey.Parse("other"), BlobContent.FromStream(new MemoryStream(Large))));
        Assert.Equal((StorageErrorKind.Unavailable, true, WriteOutcome.Unknown), (error.Kind, error.IsTransient, error.Outcome));
        Assert.Null(await store.StatAsync(BlobKey.Parse("other")));
        Assert.Equal(0, await server.UnfinishedAsync(bucket));
        await server.RemoveBucketAsync(bucket);
    }
}
