using System.Diagnostics;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>The faults that the object-store guide documents, the same for each store; those that only one knows are with its own tests.</summary>
public abstract class RemoteFaultTests(IRemoteServer server) : ProxiedStoreTests(server)
{
    /// <summary>No call may take longer, whatever the network does: five attempts of 1 s (2 s to join parts), and a look behind each.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static readonly byte[] Large = Bytes(17 << 20);

    protected override RemoteSettings Settings => new() { ServerWorkTimeout = TimeSpan.FromSeconds(2) };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_in_one_request_that_breaks_off_or_stalls_is_sent_again_and_unseen_until_then(bool stalls)
    {
        byte[] bytes = Bytes(2 << 20);
        int puts = 0, seen = 0;
        Proxy.Plan = async line =>
        {
            if (!IsPut(line)) return null;
            if (await Direct.StatAsync(Key) is not null) seen++;
            return ++puts > (stalls ? 1 : 3) ? null : stalls ? new TcpFault { StallRequestAfter = 200_000 } : new TcpFault { ResetRequestAfter = 200_000 };
        };
        Assert.True((await Store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(bytes))).AsTask().WaitAsync(Limit)).IsWritten);
        Assert.Equal((stalls ? 2 : 4, 0), (puts, seen));
        Assert.Equal(bytes, await Direct.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_write_over_a_slow_network_that_goes_on_is_waited_for()
    {
        byte[] bytes = Bytes(8 << 20);
        TimeSpan patience = TimeSpan.FromSeconds(3);
        await using IBlobStore store = await OpenAsync(new RemoteSettings { PartSize = 16 << 20, ProgressTimeout = patience });
        Proxy.FailNext(IsPut, new TcpFault { RequestBytesPerSecond = 2 << 20 });
        var time = Stopwatch.StartNew();
        Assert.True((await store.PutBytesAsync(Key, bytes).AsTask().WaitAsync(Limit)).IsWritten);
        Assert.True(time.Elapsed > patience, "it was not slow");
        Assert.Single(Proxy.Requests, IsPut);
        Assert.Equal(bytes, await Direct.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_write_whose_reply_never_comes_is_recognised()
    {
        Proxy.FailNext(IsPut, new TcpFault { StallAnswerAfter = 0 });
        WriteResult first = await Store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent }).AsTask().WaitAsync(Limit);
        Assert.True(first.IsWritten, "the store's own write was taken for somebody else's");
        Proxy.FailNext(IsPut, new TcpFault { StallAnswerAfter = 0 });
        Assert.True((await Store.PutBytesAsync(Key, Bytes(20), new WriteOptions { Condition = WriteCondition.IfMatch(first.Info!.ETag) }).AsTask().WaitAsync(Limit)).IsWritten);
        Proxy.FailNext(Server.IsJoin, new TcpFault { StallAnswerAfter = 0 });
        Assert.True((await Store.WriteAsync(Key, Once(Large)).AsTask().WaitAsync(Limit)).IsWritten);
        Assert.Equal(Large, await Direct.GetBytesAsync(Key));
        Proxy.FailNext(line => line.StartsWith("DELETE", StringComparison.Ordinal), new TcpFault { StallAnswerAfter = 0 });
        Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(Key).AsTask().WaitAsync(Limit)).Status);
        Assert.Equal(0, await Server.UnfinishedAsync(Place));
    }

    [Fact]
    public async Task A_change_without_a_body_whose_connection_ends_without_an_answer_is_not_sent_again_unseen()
    {
        BlobKey copy = BlobKey.Parse("copy");
        await Store.PutBytesAsync(Key, Bytes(10));
        Proxy.FailNext(IsPut, new TcpFault { EndBeforeAnswer = true });
        Assert.True((await Store.CopyAsync(Key, copy, new CopyOptions { Condition = WriteCondition.IfAbsent }).AsTask().WaitAsync(Limit)).IsWritten, "the store's own copy was taken for somebody else's");

        // One attempt: whoever sent it once more is not the store, which would tell the outcome of the wrong one.
        await using IBlobStore store = await OpenAsync(new RemoteSettings { MaxAttempts = 1 });
        Assert.NotNull(await store.StatAsync(Key));
        Proxy.FailNext(IsDelete, new TcpFault { EndBeforeAnswer = true });
        try
        {
            Assert.Equal(DeleteStatus.Deleted, (await store.DeleteAsync(Key).AsTask().WaitAsync(Limit)).Status);
        }
        catch (StorageException e)
        {
            Assert.Equal((StorageErrorKind.Unavailable, WriteOutcome.Unknown), (e.Kind, e.Outcome));
        }

        Assert.Single(Proxy.Requests, IsDelete);
        Assert.Null(await Direct.StatAsync(Key));
    }

    [Fact]
    public async Task A_server_that_becomes_busy_in_mid_upload_is_asked_again_when_it_says()
    {
        bool isPartRefused = false, isJoinRefused = false;
        Proxy.Plan = line =>
        {
            bool refuses = (Server.IsPart(line) && !isPartRefused) || (Server.IsJoin(line) && !isJoinRefused);
            if (!refuses) return default;
            if (Server.IsPart(line)) isPartRefused = true;
            else isJoinRefused = true;
            return new(Server.Refusing("503 Service Unavailable", Server.BusyCode, "Retry-After: 1\r\n"));
        };
        var time = Stopwatch.StartNew();
        Assert.True((await Store.WriteAsync(Key, Once(Large)).AsTask().WaitAsync(Limit)).IsWritten);
        Assert.True(isPartRefused && isJoinRefused);
        Assert.True(time.Elapsed > TimeSpan.FromSeconds(1.9), $"it was asked again within {time.Elapsed}, which is earlier than it wished");
        Assert.Equal(Large, await Direct.GetBytesAsync(Key));
    }

    [Fact]
    public async Task Credentials_that_expire_in_mid_upload_end_it_at_once_and_nothing_is_seen()
    {
        await Direct.PutBytesAsync(Key, Bytes(10));
        int parts = 0;
        Proxy.Plan = line => new(Server.IsPart(line) && Interlocked.Increment(ref parts) > 1 ? Server.Refusing("403 Forbidden", Server.ExpiredCode) : null);
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await Store.WriteAsync(Key, Once(Large))).WaitAsync(Limit);
        Assert.Equal((StorageErrorKind.AccessDenied, WriteOutcome.NotApplied), (error.Kind, error.Outcome));
        Assert.DoesNotContain(Server.Secret, error.ToString(), StringComparison.Ordinal);
        Assert.InRange(parts, 2, 4);
        Assert.Equal(Bytes(10), await Direct.GetBytesAsync(Key));
        Assert.Equal(0, await Server.UnfinishedAsync(Place));

        // With new ones it goes on: nothing remembers the refusal.
        Proxy.Plan = _ => default;
        Assert.True((await Store.WriteAsync(Key, Once(Large))).IsWritten);
    }

    [Fact]
    public async Task A_network_that_is_gone_in_mid_upload_ends_it_and_nothing_is_seen()
    {
        await Direct.PutBytesAsync(Key, Bytes(10));
        int parts = 0;
        Proxy.Plan = line =>
        {
            if (Server.IsPart(line) && Interlocked.Increment(ref parts) == 2) Proxy.Refuse();
            return default;
        };
        var time = Stopwatch.StartNew();
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await Store.WriteAsync(Key, Once(Large))).WaitAsync(Limit);
        Assert.Equal((StorageErrorKind.Unavailable, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
        Assert.InRange(time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.Equal(Bytes(10), await Direct.GetBytesAsync(Key));
        Assert.Equal([Key], (await Direct.ListPageAsync(new ListRequest())).Items.Select(i => i.Key));
    }

    [Fact]
    public async Task A_caller_that_gives_up_in_mid_upload_leaves_nothing()
    {
        using var caller = new CancellationTokenSource();
        int parts = 0;
        Proxy.Plan = async line =>
        {
            if (!Server.IsPart(line) || Interlocked.Increment(ref parts) != 2) return null;
            await caller.CancelAsync();
            return new TcpFault { StallRequestAfter = 0 };
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.WriteAsync(Key, Once(Large), cancellationToken: caller.Token)).WaitAsync(Limit);
        Assert.Null(await Direct.StatAsync(Key));
        Assert.Equal(0, await Server.UnfinishedAsync(Place));
    }

    [Theory]
    [InlineData(100 << 10)]
    [InlineData(3 << 20)]
    public async Task Bytes_that_were_damaged_on_the_way_are_never_taken_for_the_blob(int length)
    {
        await Direct.PutBytesAsync(Key, Bytes(length));
        Proxy.FailNext(IsGet, new TcpFault { DamageAnswerAt = length / 2 }, times: 1000);
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await Store.GetBytesAsync(Key)).WaitAsync(Limit);
        Assert.Equal(StorageErrorKind.Corrupt, error.Kind);
        Proxy.Plan = _ => default;
        Assert.Equal(Bytes(length), await Store.GetBytesAsync(Key));
    }

    [Fact]
    public async Task Listings_and_looks_outlive_a_network_that_breaks_off_and_stalls()
    {
        BlobKey[] keys = [.. Enumerable.Range(0, 20).Select(i => BlobKey.Parse($"k/{i:d2}"))];
        await Task.WhenAll(keys.Select(async k => await Direct.PutBytesAsync(k, Bytes(10))));
        int requests = 0;
        Proxy.Plan = _ => new((Interlocked.Increment(ref requests) % 4) switch
        {
            0 => new TcpFault { ResetAnswerAfter = 0 },
            1 => new TcpFault { DropAnswer = true },
            2 when requests < 8 => new TcpFault { StallAnswerAfter = 0 },
            _ => null,
        });
        Assert.Equal(keys, (await Store.ListPageAsync(new ListRequest { Prefix = "k/", Exact = false }).AsTask().WaitAsync(Limit)).Items.Select(i => i.Key));
        foreach (BlobKey key in keys[..5]) Assert.Equal(10, (await Store.StatAsync(key).AsTask().WaitAsync(Limit))!.Length);
        Assert.Equal(Bytes(10), await Store.GetBytesAsync(keys[0]).AsTask().WaitAsync(Limit));
    }
}

[Collection(nameof(CephServer))]
public sealed class CephRemoteFaultTests(CephServer server) : RemoteFaultTests(server);

[Collection(nameof(StrataS3Server))]
public sealed class StrataRemoteFaultTests(StrataS3Server server) : RemoteFaultTests(server);

[Collection(nameof(AzuriteServer))]
public sealed class AzuriteRemoteFaultTests(AzuriteServer server) : RemoteFaultTests(server);
