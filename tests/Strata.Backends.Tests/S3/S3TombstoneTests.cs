using Amazon.S3.Model;
using Strata.S3;
using Xunit;

namespace Strata.Backends.Tests;

public abstract class S3TombstoneTests(S3Server server) : TombstoneTests
{
    private string _bucket = "";

    [Fact]
    public async Task Without_a_single_writer_the_comparison_is_not_claimed()
    {
        await using S3BlobStore store = await S3BlobStore.OpenAsync(server.OptionsFor(_bucket) with { KeepsTombstones = TimeSpan.FromHours(1) });
        Assert.Equal(WriteConditionKind.IfAbsent | WriteConditionKind.IfMatch, store.Capabilities.Conditions);
        BlobKey key = BlobKey.Parse("a");
        BlobVersion written = (await store.PutBytesAsync(key, "x"u8.ToArray())).Info!.Version;
        BlobVersion deleted = (await store.DeleteAsync(key)).Version;
        Assert.True(deleted > written && (await store.PutBytesAsync(key, "x"u8.ToArray())).Info!.Version > deleted);
    }

    protected override async Task PrepareAsync() => _bucket = await server.CreateBucketAsync();

    protected override async ValueTask<IBlobStore> OpenAsync(bool keepsTombstones) =>
        await S3BlobStore.OpenAsync(server.OptionsFor(_bucket) with { SingleWriter = true, KeepsTombstones = keepsTombstones ? TimeSpan.FromHours(1) : null });

    protected override async Task<int> CountAsync() => (await server.Client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = _bucket })).KeyCount ?? 0;

    protected override Task CleanUpAsync() => server.RemoveBucketAsync(_bucket);
}

[Collection(nameof(StrataS3Server))]
public sealed class StrataS3TombstoneTests(StrataS3Server server) : S3TombstoneTests(server);

[Collection(nameof(CephServer))]
public sealed class CephS3TombstoneTests(CephServer server) : S3TombstoneTests(server);
