using System.Diagnostics;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>The network fails in every way that it can: the outcome is the documented one, within a stated time, and nothing is left behind.</summary>
public abstract class RemoteNetworkTests(IRemoteServer server) : ProxiedStoreTests(server)
{
    private static readonly byte[] Large = Bytes(12 << 20);

    [Fact]
    public async Task A_download_that_breaks_off_goes_on_where_it_was()
    {
        await Direct.PutBytesAsync(Key, Large);
        Proxy.FailNext(IsGetOfKey, new TcpFault { ResetAnswerAfter = 3 << 20 }, times: 2);
        Assert.Equal(Large, await Store.GetBytesAsync(Key));
        Assert.Equal(3, Proxy.Requests.Count(IsGetOfKey));
    }

    [Fact]
    public async Task A_download_that_stalls_goes_on_after_the_stated_time()
    {
        await Direct.PutBytesAsync(Key, Large);
        Proxy.FailNext(IsGetOfKey, new TcpFault { StallAnswerAfter = 3 << 20 });
        var time = Stopwatch.StartNew();
        Assert.Equal(Large, await Store.GetBytesAsync(Key));
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_download_that_stalls_for_ever_ends_with_a_timeout()
    {
        await Direct.PutBytesAsync(Key, Large);
        await using IBlobStore store = await OpenAsync(Settings with { MaxAttempts = 2 });
        int gets = 0;
        Proxy.Plan = line => new(IsGetOfKey(line) ? new TcpFault { StallAnswerAfter = gets++ == 0 ? 1 << 20 : 0 } : null);
        await using BlobReadResult? read = await store.ReadAsync(Key);
        await using Stream stream = read!.OpenStream();
        var time = Stopwatch.StartNew();
        StorageException error = await Assert.ThrowsAsync<StorageException>(() => stream.CopyToAsync(Stream.Null));
        Assert.Equal((StorageErrorKind.Timeout, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
        Assert.InRange(time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_download_that_breaks_off_and_finds_another_blob_says_so()
    {
        await Direct.PutBytesAsync(Key, Large);
        Proxy.FailNext(IsGetOfKey, new TcpFault { ResetAnswerAfter = 3 << 20 });
        await using BlobReadResult? read = await Store.ReadAsync(Key);
        await Direct.PutBytesAsync(Key, Bytes(12 << 20, seed: 2));
        await using Stream stream = read!.OpenStream();
        StorageException error = await Assert.ThrowsAsync<StorageException>(() => stream.CopyToAsync(Stream.Null));
        Assert.Equal((StorageErrorKind.Changed, true), (error.Kind, error.IsTransient));
    }

    [Fact]
    public async Task A_slow_server_that_goes_on_is_waited_for()
    {
        await Direct.PutBytesAsync(Key, Bytes(2 << 20));
        Proxy.FailNext(_ => true, new TcpFault { PieceDelay = TimeSpan.FromMilliseconds(25) }, times: 100);
        var time = Stopwatch.StartNew();
        Assert.Equal(Bytes(2 << 20), await Store.GetBytesAsync(Key));
        Assert.True(time.Elapsed > TimeSpan.FromSeconds(2), "it was not slow");
    }

    [Fact]
    public async Task A_part_that_breaks_off_is_sent_again()
    {
        Proxy.FailNext(Server.IsPart, new TcpFault { ResetRequestAfter = 1 << 20 }, times: 3);
        Assert.True((await Store.WriteAsync(Key, Once(Large))).IsWritten);
        Assert.Equal(Large, await Direct.GetBytesAsync(Key));
        Assert.Equal(0, await Server.UnfinishedAsync(Place));
    }

    [Fact]
    public async Task A_part_that_stalls_is_sent_again()
    {
        Proxy.FailNext(Server.IsPart, new TcpFault { StallRequestAfter = 1 << 20 });
        Assert.True((await Store.WriteAsync(Key, Once(Large))).IsWritten);
        Assert.Equal(Large, await Direct.GetBytesAsync(Key));
    }

    [Fact]
    public async Task An_upload_whose_parts_never_arrive_leaves_nothing()
    {
        await Direct.PutBytesAsync(Key, Bytes(10));
        Proxy.FailNext(Server.IsPart, new TcpFault { ResetRequestAfter = 1 << 20 }, times: 1000);
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await Store.WriteAsync(Key, Once(Large)));
        Assert.Equal((StorageErrorKind.Unavailable, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
        Assert.Equal(Bytes(10), await Direct.GetBytesAsync(Key));
        Assert.Equal(0, await Server.UnfinishedAsync(Place));
    }

    [Fact]
    public async Task A_server_that_is_gone_is_unavailable_and_nothing_was_applied()
    {
        Proxy.Refuse();
        foreach (Func<Task> action in (Func<Task>[])
        [
            async () => await Store.StatAsync(Key), async () => await Store.ReadAsync(Key), async () => await Store.PutBytesAsync(Key, Bytes(10)), async () => await Store.DeleteAsync(Key),
            async () => await Store.ListPageAsync(new ListRequest()), async () => await Store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent }),
            async () => await Store.WriteAsync(Key, Once(Large)),
        ])
        {
            var time = Stopwatch.StartNew();
            StorageException error = await Assert.ThrowsAsync<StorageException>(action);
            Assert.Equal((StorageErrorKind.Unavailable, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
            Assert.DoesNotContain(Server.Secret, error.ToString(), StringComparison.Ordinal);
            Assert.InRange(time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        }

        Assert.Null(await Direct.StatAsync(Key));
    }

    [Fact]
    public async Task A_lost_reply_to_a_write_under_a_condition_is_no_refusal()
    {
        Proxy.FailNext(IsPut, new TcpFault { DropAnswer = true });
        WriteResult first = await Store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent });
        Assert.True(first.IsWritten, "the store's own write was taken for somebody else's");
        Proxy.FailNext(IsPut, new TcpFault { DropAnswer = true });
        WriteResult second = await Store.PutBytesAsync(Key, Bytes(20), new WriteOptions { Condition = WriteCondition.IfMatch(first.Info!.ETag) });
        Assert.True(second.IsWritten);
        Assert.Equal(second.Info!.Version, (await Direct.StatAsync(Key))!.Version);
    }

    [Fact]
    public async Task Lost_replies_to_every_kind_of_change_are_cleared_up()
    {
        BlobKey other = BlobKey.Parse("other");
        await Direct.PutBytesAsync(other, Bytes(50));
        Proxy.FailNext(IsChange, new TcpFault { DropAnswer = true });
        Assert.True((await Store.PutBytesAsync(Key, Bytes(10))).IsWritten);
        Proxy.FailNext(IsChange, new TcpFault { DropAnswer = true });
        Assert.True((await Store.UpdateAsync(Key, new BlobChanges { ContentType = "text/plain" })).IsWritten);
        Proxy.FailNext(IsChange, new TcpFault { DropAnswer = true });
        Assert.True((await Store.CopyAsync(other, Key)).IsWritten);
        Assert.Equal(Bytes(50), await Direct.GetBytesAsync(Key));
        Proxy.FailNext(Server.IsJoin, new TcpFault { DropAnswer = true });
        Assert.True((await Store.WriteAsync(Key, Once(Large))).IsWritten);
        Assert.Equal(Large, await Direct.GetBytesAsync(Key));
        Proxy.FailNext(IsChange, new TcpFault { DropAnswer = true });
        Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(Key)).Status);
        Proxy.FailNext(IsChange, new TcpFault { DropAnswer = true });
        Assert.Equal(1, (await Store.DeleteManyAsync([other])).Deleted);
        Assert.Null(await Direct.StatAsync(other));
        Assert.Equal(0, await Server.UnfinishedAsync(Place));
    }

    [Fact]
    public async Task A_lost_reply_to_a_conditional_delete_is_no_refusal()
    {
        string etag = (await Direct.PutBytesAsync(Key, Bytes(10))).Info!.ETag;
        Proxy.FailNext(IsChange, new TcpFault { DropAnswer = true });
        Assert.Equal(DeleteStatus.Deleted, (await Store.DeleteAsync(Key, WriteCondition.IfMatch(etag))).Status);
    }

    [Fact]
    public async Task A_write_whose_fate_nobody_can_tell_is_of_unknown_outcome()
    {
        await Direct.PutBytesAsync(Key, Bytes(5));
        bool isLost = false;
        Proxy.Plan = line =>
        {
            isLost |= IsPut(line);
            return new(isLost ? new TcpFault { DropAnswer = true } : null);
        };
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await Store.PutBytesAsync(Key, Bytes(10)));
        Assert.Equal((StorageErrorKind.Unavailable, WriteOutcome.Unknown, true), (error.Kind, error.Outcome, error.IsTransient));
    }

    [Fact]
    public async Task A_write_that_was_lost_while_another_won_is_of_unknown_outcome_and_undoes_nothing()
    {
        int puts = 0;
        Proxy.Plan = async line =>
        {
            if (!IsPut(line) || Interlocked.Increment(ref puts) > 1) return null;
            await Direct.PutBytesAsync(Key, Bytes(77));
            return new TcpFault { ResetRequestAfter = 0 };
        };
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () =>
            await Store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent }));
        Assert.Equal(WriteOutcome.Unknown, error.Outcome);
        Assert.Equal(Bytes(77), await Direct.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_busy_server_is_asked_again_when_it_says()
    {
        Proxy.FailNext(_ => true, Server.Refusing("503 Service Unavailable", Server.BusyCode, "Retry-After: 1\r\n"));
        var time = Stopwatch.StartNew();
        Assert.True((await Store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent })).IsWritten);
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(0.95), TimeSpan.FromSeconds(8));
    }

    [Fact]
    public async Task A_server_that_stays_busy_is_given_up_with_nothing_applied()
    {
        Proxy.FailNext(_ => true, Server.Refusing("503 Service Unavailable", Server.BusyCode), times: 1000);
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await Store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent }));
        Assert.Equal((StorageErrorKind.Unavailable, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
        Assert.Equal(5, Proxy.Requests.Count);
    }

    private static bool IsGetOfKey(string line) => IsGet(line) && line.Contains("dir/blob", StringComparison.Ordinal);
}

[Collection(nameof(CephServer))]
public sealed class CephRemoteNetworkTests(CephServer server) : RemoteNetworkTests(server);

[Collection(nameof(StrataS3Server))]
public sealed class StrataRemoteNetworkTests(StrataS3Server server) : RemoteNetworkTests(server);

[Collection(nameof(AzuriteServer))]
public sealed class AzuriteRemoteNetworkTests(AzuriteServer server) : RemoteNetworkTests(server);
