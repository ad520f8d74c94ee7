using Xunit;

namespace Strata.Backends.Tests;

/// <summary>
/// CONSISTENCY 5: a request is kept back by the network until its caller has given up and somebody else was acknowledged, and
/// then lands. No store alone can undo that; what it owes is to have said that the outcome is unknown, so that the layer above can.
/// </summary>
public abstract class DelayedWriteTests(IRemoteServer server) : ProxiedStoreTests(server)
{
    private static readonly byte[] Before = [1, 2, 3], Late = [4, 5, 6, 7];

    protected override RemoteSettings Settings => new() { MaxAttempts = 2, ProgressTimeout = TimeSpan.FromMilliseconds(500), ServerWorkTimeout = TimeSpan.FromMilliseconds(500) };

    [Fact]
    public async Task A_write_that_lands_behind_a_delete_was_said_to_be_of_unknown_outcome()
    {
        await Direct.PutBytesAsync(Key, Before);
        HeldRequests held = Proxy.Hold(IsPut);
        await AssertUnknownAsync(async () => await Store.PutBytesAsync(Key, Late));
        Assert.Equal(2, held.Lines.Count);
        Assert.Equal(DeleteStatus.Deleted, (await Direct.DeleteAsync(Key)).Status);
        Assert.Null(await Direct.StatAsync(Key));
        Assert.All(await held.ReleaseAsync(), AssertSuccess);
        Assert.Equal(Late, await Direct.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_write_on_condition_of_what_was_there_does_not_land_behind_a_delete()
    {
        string etag = (await Direct.PutBytesAsync(Key, Before)).Info!.ETag;
        HeldRequests held = Proxy.Hold(IsPut);
        await AssertUnknownAsync(async () => await Store.PutBytesAsync(Key, Late, new WriteOptions { Condition = WriteCondition.IfMatch(etag) }));
        Assert.Equal(DeleteStatus.Deleted, (await Direct.DeleteAsync(Key)).Status);
        Assert.All(await held.ReleaseAsync(), line => Assert.Contains(line.Split(' ')[1], (string[])["404", "412"]));
        Assert.Null(await Direct.StatAsync(Key));
    }

    [Fact]
    public async Task A_delete_that_lands_behind_a_write_was_said_to_be_of_unknown_outcome()
    {
        await Direct.PutBytesAsync(Key, Before);
        HeldRequests held = Proxy.Hold(line => line.StartsWith("DELETE", StringComparison.Ordinal));
        await AssertUnknownAsync(async () => await Store.DeleteAsync(Key));
        Assert.True((await Direct.PutBytesAsync(Key, Late)).IsWritten);
        await held.ReleaseAsync();

        // Under no condition S3 deletes whatever is there; Azure's store names the blob that it has seen.
        byte[]? left = await Direct.GetBytesAsync(Key);
        Assert.True(left is null || left.AsSpan().SequenceEqual(Late), "neither what was written last nor nothing");
    }

    [Fact]
    public async Task The_end_of_a_large_write_that_lands_behind_a_delete_was_said_to_be_of_unknown_outcome()
    {
        byte[] large = new byte[11 << 20];
        new Random(1).NextBytes(large);
        HeldRequests held = Proxy.Hold(Server.IsJoin);
        await using IBlobStore store = await OpenAsync(new RemoteSettings { MaxAttempts = 2, ProgressTimeout = TimeSpan.FromSeconds(20), ServerWorkTimeout = TimeSpan.FromMilliseconds(500) });
        await AssertUnknownAsync(async () => await store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(large))));
        Assert.Null(await Direct.StatAsync(Key));
        await Direct.DeleteAsync(Key);
        await held.ReleaseAsync();

        // Whole or not at all: the parts may have been dropped meanwhile, as the write's caller was told of no success.
        byte[]? left = await Direct.GetBytesAsync(Key);
        Assert.True(left is null || left.AsSpan().SequenceEqual(large), "a blob of some of its parts");
        Assert.Equal(0, await Server.UnfinishedAsync(Place));
    }

    private static async Task AssertUnknownAsync(Func<Task> change)
    {
        StorageException error = await Assert.ThrowsAsync<StorageException>(change).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal((StorageErrorKind.Timeout, WriteOutcome.Unknown, true), (error.Kind, error.Outcome, error.IsTransient));
    }

    private static void AssertSuccess(string line) => Assert.StartsWith("HTTP/1.1 20", line, StringComparison.Ordinal);
}

[Collection(nameof(CephServer))]
public sealed class CephDelayedWriteTests(CephServer server) : DelayedWriteTests(server);

[Collection(nameof(StrataS3Server))]
public sealed class StrataDelayedWriteTests(StrataS3Server server) : DelayedWriteTests(server);

[Collection(nameof(AzuriteServer))]
public sealed class AzuriteDelayedWriteTests(AzuriteServer server) : DelayedWriteTests(server);
