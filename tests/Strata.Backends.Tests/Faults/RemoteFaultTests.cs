using System.Diagnostics;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>The faults that the object-store guide documents, the same for each store; those that only one knows are with its own tests.</summary>
public abstract class RemoteFaultTests(IRemoteServer server) : IAsyncLifetime
{
    /// <summary>No call may take longer, whatever the network does: five attempts of 1 s (2 s to join parts), and a look behind each.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static readonly BlobKey Key = BlobKey.Parse("dir/blob");
    private static readonly byte[] Large = Bytes(17 << 20);
    private string _place = "";
    private TcpProxy _proxy = null!;
    private IBlobStore _store = null!, _direct = null!;

    public async ValueTask InitializeAsync()
    {
        _place = await server.CreatePlaceAsync();
        _proxy = new TcpProxy(server.Endpoint);
        _direct = await server.OpenAsync(_place, new RemoteSettings { ProgressTimeout = TimeSpan.FromSeconds(30) });
        _store = await server.OpenAsync(_place, new RemoteSettings { Proxy = _proxy.Address, ServerWorkTimeout = TimeSpan.FromSeconds(2) });
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _store.DisposeAsync();
        await _direct.DisposeAsync();
        await _proxy.DisposeAsync();
        await server.RemovePlaceAsync(_place);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_in_one_request_that_breaks_off_or_stalls_is_sent_again_and_unseen_until_then(bool stalls)
    {
        byte[] bytes = Bytes(2 << 20);
        int puts = 0, seen = 0;
        _proxy.Plan = async line =>
        {
            if (!IsPut(line)) return null;
            if (await _direct.StatAsync(Key) is not null) seen++;
            return ++puts > (stalls ? 1 : 3) ? null : stalls ? new TcpFault { StallRequestAfter = 200_000 } : new TcpFault { ResetRequestAfter = 200_000 };
        };
        Assert.True((await _store.WriteAsync(Key, BlobContent.FromStream(new MemoryStream(bytes))).AsTask().WaitAsync(Limit)).IsWritten);
        Assert.Equal((stalls ? 2 : 4, 0), (puts, seen));
        Assert.Equal(bytes, await _direct.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_write_over_a_slow_network_that_goes_on_is_waited_for()
    {
        byte[] bytes = Bytes(8 << 20);
        TimeSpan patience = TimeSpan.FromSeconds(3);
        await using IBlobStore store = await server.OpenAsync(_place, new RemoteSettings { Proxy = _proxy.Address, PartSize = 16 << 20, ProgressTimeout = patience });
        _proxy.FailNext(IsPut, new TcpFault { RequestBytesPerSecond = 2 << 20 });
        var time = Stopwatch.StartNew();
        Assert.True((await store.PutBytesAsync(Key, bytes).AsTask().WaitAsync(Limit)).IsWritten);
        Assert.True(time.Elapsed > patience, "it was not slow");
        Assert.Single(_proxy.Requests, IsPut);
        Assert.Equal(bytes, await _direct.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_write_whose_reply_never_comes_is_recognised()
    {
        _proxy.FailNext(IsPut, new TcpFault { StallAnswerAfter = 0 });
        WriteResult first = await _store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent }).AsTask().WaitAsync(Limit);
        Assert.True(first.IsWritten, "the store's own write was taken for somebody else's");
        _proxy.FailNext(IsPut, new TcpFault { StallAnswerAfter = 0 });
        Assert.True((await _store.PutBytesAsync(Key, Bytes(20), new WriteOptions { Condition = WriteCondition.IfMatch(first.Info!.ETag) }).AsTask().WaitAsync(Limit)).IsWritten);
        _proxy.FailNext(server.IsJoin, new TcpFault { StallAnswerAfter = 0 });
        Assert.True((await _store.WriteAsync(Key, Once(Large)).AsTask().WaitAsync(Limit)).IsWritten);
        Assert.Equal(Large, await _direct.GetBytesAsync(Key));
        _proxy.FailNext(line => line.StartsWith("DELETE", StringComparison.Ordinal), new TcpFault { StallAnswerAfter = 0 });
        Assert.Equal(DeleteStatus.Deleted, (await _store.DeleteAsync(Key).AsTask().WaitAsync(Limit)).Status);
        Assert.Equal(0, await server.UnfinishedAsync(_place));
    }

    [Fact]
    public async Task A_change_without_a_body_whose_connection_ends_without_an_answer_is_not_sent_again_unseen()
    {
        BlobKey copy = BlobKey.Parse("copy");
        await _store.PutBytesAsync(Key, Bytes(10));
        _proxy.FailNext(IsPut, new TcpFault { EndBeforeAnswer = true });
        Assert.True((await _store.CopyAsync(Key, copy, new CopyOptions { Condition = WriteCondition.IfAbsent }).AsTask().WaitAsync(Limit)).IsWritten, "the store's own copy was taken for somebody else's");

        // One attempt: whoever sent it once more is not the store, which would tell the outcome of the wrong one.
        await using IBlobStore store = await server.OpenAsync(_place, new RemoteSettings { Proxy = _proxy.Address, MaxAttempts = 1 });
        Assert.NotNull(await store.StatAsync(Key));
        _proxy.FailNext(IsDelete, new TcpFault { EndBeforeAnswer = true });
        try
        {
            Assert.Equal(DeleteStatus.Deleted, (await store.DeleteAsync(Key).AsTask().WaitAsync(Limit)).Status);
        }
        catch (StorageException e)
        {
            Assert.Equal((StorageErrorKind.Unavailable, WriteOutcome.Unknown), (e.Kind, e.Outcome));
        }

        Assert.Single(_proxy.Requests, IsDelete);
        Assert.Null(await _direct.StatAsync(Key));
    }

    [Fact]
    public async Task A_server_that_becomes_busy_in_mid_upload_is_asked_again_when_it_says()
    {
        bool isPartRefused = false, isJoinRefused = false;
        _proxy.Plan = line =>
        {
            bool refuses = (server.IsPart(line) && !isPartRefused) || (server.IsJoin(line) && !isJoinRefused);
            if (!refuses) return default;
            if (server.IsPart(line)) isPartRefused = true;
            else isJoinRefused = true;
            return new(server.Refusing("503 Service Unavailable", server.BusyCode, "Retry-After: 1\r\n"));
        };
        var time = Stopwatch.StartNew();
        Assert.True((await _store.WriteAsync(Key, Once(Large)).AsTask().WaitAsync(Limit)).IsWritten);
        Assert.True(isPartRefused && isJoinRefused);
        Assert.True(time.Elapsed > TimeSpan.FromSeconds(1.9), $"it was asked again within {time.Elapsed}, which is earlier than it wished");
        Assert.Equal(Large, await _direct.GetBytesAsync(Key));
    }

    [Fact]
    public async Task Credentials_that_expire_in_mid_upload_end_it_at_once_and_nothing_is_seen()
    {
        await _direct.PutBytesAsync(Key, Bytes(10));
        int parts = 0;
        _proxy.Plan = line => new(server.IsPart(line) && Interlocked.Increment(ref parts) > 1 ? server.Refusing("403 Forbidden", server.ExpiredCode) : null);
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await _store.WriteAsync(Key, Once(Large))).WaitAsync(Limit);
        Assert.Equal((StorageErrorKind.AccessDenied, WriteOutcome.NotApplied), (error.Kind, error.Outcome));
        Assert.DoesNotContain(server.Secret, error.ToString(), StringComparison.Ordinal);
        Assert.InRange(parts, 2, 4);
        Assert.Equal(Bytes(10), await _direct.GetBytesAsync(Key));
        Assert.Equal(0, await server.UnfinishedAsync(_place));

        // With new ones it goes on: nothing remembers the refusal.
        _proxy.Plan = _ => default;
        Assert.True((await _store.WriteAsync(Key, Once(Large))).IsWritten);
    }

    [Fact]
    public async Task A_network_that_is_gone_in_mid_upload_ends_it_and_nothing_is_seen()
    {
        await _direct.PutBytesAsync(Key, Bytes(10));
        int parts = 0;
        _proxy.Plan = line =>
        {
            if (server.IsPart(line) && Interlocked.Increment(ref parts) == 2) _proxy.Refuse();
            return default;
        };
        var time = Stopwatch.StartNew();
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await _store.WriteAsync(Key, Once(Large))).WaitAsync(Limit);
        Assert.Equal((StorageErrorKind.Unavailable, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
        Assert.InRange(time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        Assert.Equal(Bytes(10), await _direct.GetBytesAsync(Key));
        Assert.Equal([Key], (await _direct.ListPageAsync(new ListRequest())).Items.Select(i => i.Key));
    }

    [Fact]
    public async Task A_caller_that_gives_up_in_mid_upload_leaves_nothing()
    {
        using var caller = new CancellationTokenSource();
        int parts = 0;
        _proxy.Plan = async line =>
        {
            if (!server.IsPart(line) || Interlocked.Increment(ref parts) != 2) return null;
            await caller.CancelAsync();
            return new TcpFault { StallRequestAfter = 0 };
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await _store.WriteAsync(Key, Once(Large), cancellationToken: caller.Token)).WaitAsync(Limit);
        Assert.Null(await _direct.StatAsync(Key));
        Assert.Equal(0, await server.UnfinishedAsync(_place));
    }

    [Theory]
    [InlineData(100 << 10)]
    [InlineData(3 << 20)]
    public async Task Bytes_that_were_damaged_on_the_way_are_never_taken_for_the_blob(int length)
    {
        await _direct.PutBytesAsync(Key, Bytes(length));
        _proxy.FailNext(IsGet, new TcpFault { DamageAnswerAt = length / 2 }, times: 1000);
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await _store.GetBytesAsync(Key)).WaitAsync(Limit);
        Assert.Equal(StorageErrorKind.Corrupt, error.Kind);
        _proxy.Plan = _ => default;
        Assert.Equal(Bytes(length), await _store.GetBytesAsync(Key));
    }

    [Fact]
    public async Task Listings_and_looks_outlive_a_network_that_breaks_off_and_stalls()
    {
        BlobKey[] keys = [.. Enumerable.Range(0, 20).Select(i => BlobKey.Parse($"k/{i:d2}"))];
        await Task.WhenAll(keys.Select(async k => await _direct.PutBytesAsync(k, Bytes(10))));
        int requests = 0;
        _proxy.Plan = _ => new((Interlocked.Increment(ref requests) % 4) switch
        {
            0 => new TcpFault { ResetAnswerAfter = 0 },
            1 => new TcpFault { DropAnswer = true },
            2 when requests < 8 => new TcpFault { StallAnswerAfter = 0 },
            _ => null,
        });
        Assert.Equal(keys, (await _store.ListPageAsync(new ListRequest { Prefix = "k/", Exact = false }).AsTask().WaitAsync(Limit)).Items.Select(i => i.Key));
        foreach (BlobKey key in keys[..5]) Assert.Equal(10, (await _store.StatAsync(key).AsTask().WaitAsync(Limit))!.Length);
        Assert.Equal(Bytes(10), await _store.GetBytesAsync(keys[0]).AsTask().WaitAsync(Limit));
    }

    private static BlobContent Once(byte[] bytes) => BlobContent.FromStream(new MemoryStream(bytes));

    private static bool IsPut(string line) => line.StartsWith("PUT", StringComparison.Ordinal);

    private static bool IsDelete(string line) => line.StartsWith("DELETE", StringComparison.Ordinal);

    private static bool IsGet(string line) => line.StartsWith("GET", StringComparison.Ordinal);

    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}

[Collection(nameof(CephServer))]
public sealed class CephRemoteFaultTests(CephServer server) : RemoteFaultTests(server);

[Collection(nameof(StrataS3Server))]
public sealed class StrataRemoteFaultTests(StrataS3Server server) : RemoteFaultTests(server);

[Collection(nameof(AzuriteServer))]
public sealed class AzuriteRemoteFaultTests(AzuriteServer server) : RemoteFaultTests(server);
