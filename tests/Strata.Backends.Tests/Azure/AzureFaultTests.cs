using System.Diagnostics;
using Azure.Storage.Blobs;
using Azure.Storage.Sas;
using Strata.Azure;
using Xunit;

namespace Strata.Backends.Tests;

/// <summary>The network fails in every way that it can: the outcome is the documented one, within a stated time, and nothing is left to see.</summary>
[Collection(nameof(AzuriteServer))]
public sealed class AzureFaultTests(AzuriteServer server) : IAsyncLifetime
{
    private static readonly BlobKey Key = BlobKey.Parse("dir/blob");
    private static readonly byte[] Large = Bytes(4 << 20);
    private string _container = "";
    private TcpProxy _proxy = null!;
    private AzureBlobStore _store = null!, _direct = null!;

    public async ValueTask InitializeAsync()
    {
        _container = await server.CreateContainerAsync();
        _proxy = new TcpProxy(server.Endpoint);
        _direct = AzureBlobStore.Open(server.OptionsFor(_container));
        _store = Open(o => o);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _direct.DisposeAsync();
        await _proxy.DisposeAsync();
        await server.RemoveContainerAsync(_container);
    }

    [Fact]
    public async Task A_download_that_breaks_off_goes_on_where_it_was()
    {
        await _direct.PutBytesAsync(Key, Large);
        _proxy.FailNext(IsGetOfKey, new TcpFault { ResetAnswerAfter = 1 << 20 }, times: 2);
        Assert.Equal(Large, await _store.GetBytesAsync(Key));
        Assert.Equal(3, _proxy.Requests.Count(IsGetOfKey));
    }

    [Fact]
    public async Task A_download_that_stalls_goes_on_after_the_stated_time()
    {
        await _direct.PutBytesAsync(Key, Large);
        _proxy.FailNext(IsGetOfKey, new TcpFault { StallAnswerAfter = 1 << 20 });
        var time = Stopwatch.StartNew();
        Assert.Equal(Large, await _store.GetBytesAsync(Key));
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_download_that_stalls_for_ever_ends_with_a_timeout()
    {
        await _direct.PutBytesAsync(Key, Large);
        await using AzureBlobStore store = Open(o => o with { MaxAttempts = 2 });
        int gets = 0;
        _proxy.Plan = line => new(IsGetOfKey(line) ? new TcpFault { StallAnswerAfter = gets++ == 0 ? 1 << 20 : 0 } : null);
        await using BlobReadResult? read = await store.ReadAsync(Key);
        await using Stream stream = read!.OpenStream();
        StorageException error = await Assert.ThrowsAsync<StorageException>(() => stream.CopyToAsync(Stream.Null));
        Assert.Equal((StorageErrorKind.Timeout, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
    }

    [Fact]
    public async Task A_download_that_breaks_off_and_finds_another_blob_says_so()
    {
        await _direct.PutBytesAsync(Key, Large);
        _proxy.FailNext(IsGetOfKey, new TcpFault { ResetAnswerAfter = 1 << 20 });
        await using BlobReadResult? read = await _store.ReadAsync(Key);
        await _direct.PutBytesAsync(Key, Bytes(4 << 20, seed: 2));
        await using Stream stream = read!.OpenStream();
        StorageException error = await Assert.ThrowsAsync<StorageException>(() => stream.CopyToAsync(Stream.Null));
        Assert.Equal((StorageErrorKind.Changed, true), (error.Kind, error.IsTransient));
    }

    [Fact]
    public async Task A_slow_server_that_goes_on_is_waited_for()
    {
        await _direct.PutBytesAsync(Key, Bytes(2 << 20));
        _proxy.FailNext(_ => true, new TcpFault { PieceDelay = TimeSpan.FromMilliseconds(25) }, times: 100);
        var time = Stopwatch.StartNew();
        Assert.Equal(Bytes(2 << 20), await _store.GetBytesAsync(Key));
        Assert.True(time.Elapsed > TimeSpan.FromSeconds(2), "it was not slow");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_block_that_breaks_off_or_stalls_is_sent_again(bool stalls)
    {
        TcpFault fault = stalls ? new TcpFault { StallRequestAfter = 200_000 } : new TcpFault { ResetRequestAfter = 200_000 };
        _proxy.FailNext(IsBlock, fault, times: stalls ? 1 : 3);
        Assert.True((await _store.WriteAsync(Key, Once(Large))).IsWritten);
        Assert.Equal(Large, await _direct.GetBytesAsync(Key));
    }

    [Fact]
    public async Task An_upload_whose_blocks_never_arrive_changes_nothing()
    {
        await _direct.PutBytesAsync(Key, Bytes(10));
        _proxy.FailNext(IsBlock, new TcpFault { ResetRequestAfter = 200_000 }, times: 1000);
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await _store.WriteAsync(Key, Once(Large)));
        Assert.Equal((StorageErrorKind.Unavailable, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
        Assert.Equal(Bytes(10), await _direct.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_server_that_is_gone_is_unavailable_and_nothing_was_applied()
    {
        _proxy.Refuse();
        foreach (Func<Task> action in (Func<Task>[])
        [
            async () => await _store.StatAsync(Key), async () => await _store.ReadAsync(Key), async () => await _store.PutBytesAsync(Key, Bytes(10)), async () => await _store.DeleteAsync(Key),
            async () => await _store.ListPageAsync(new ListRequest()), async () => await _store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent }),
            async () => await _store.WriteAsync(Key, Once(Large)), async () => await _store.GetTierAsync(Key),
        ])
        {
            StorageException error = await Assert.ThrowsAsync<StorageException>(action);
            Assert.Equal((StorageErrorKind.Unavailable, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
            Assert.DoesNotContain(AzuriteServer.AccountKey, error.ToString(), StringComparison.Ordinal);
        }

        Assert.Null(await _direct.StatAsync(Key));
    }

    [Fact]
    public async Task A_lost_reply_to_a_write_under_a_condition_is_no_refusal()
    {
        _proxy.FailNext(IsPut, new TcpFault { DropAnswer = true });
        WriteResult first = await _store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent });
        Assert.True(first.IsWritten, "the store's own write was taken for somebody else's");
        _proxy.FailNext(IsPut, new TcpFault { DropAnswer = true });
        WriteResult second = await _store.PutBytesAsync(Key, Bytes(20), new WriteOptions { Condition = WriteCondition.IfMatch(first.Info!.ETag) });
        Assert.True(second.IsWritten);
        Assert.Equal(second.Info!.Version, (await _direct.StatAsync(Key))!.Version);
    }

    [Fact]
    public async Task Lost_replies_to_every_kind_of_change_are_cleared_up()
    {
        BlobKey other = BlobKey.Parse("other");
        await _direct.PutBytesAsync(other, Bytes(50));
        _proxy.FailNext(IsChange, new TcpFault { DropAnswer = true });
        Assert.True((await _store.PutBytesAsync(Key, Bytes(10))).IsWritten);
        _proxy.FailNext(IsChange, new TcpFault { DropAnswer = true });
        Assert.True((await _store.UpdateAsync(Key, new BlobChanges { ContentType = "text/plain" })).IsWritten);
        _proxy.FailNext(line => line.Contains("comp=blocklist", StringComparison.Ordinal), new TcpFault { DropAnswer = true });
        Assert.True((await _store.WriteAsync(Key, Once(Large))).IsWritten);
        Assert.Equal(Large, await _direct.GetBytesAsync(Key));
        _proxy.FailNext(IsChange, new TcpFault { DropAnswer = true });
        Assert.Equal(DeleteStatus.Deleted, (await _store.DeleteAsync(Key)).Status);
        _proxy.FailNext(IsChange, new TcpFault { DropAnswer = true });
        Assert.Equal(1, (await _store.DeleteManyAsync([other])).Deleted);
        Assert.Null(await _direct.StatAsync(other));
    }

    [Fact]
    public async Task A_lost_reply_to_a_conditional_delete_is_no_refusal()
    {
        string etag = (await _direct.PutBytesAsync(Key, Bytes(10))).Info!.ETag;
        _proxy.FailNext(IsChange, new TcpFault { DropAnswer = true });
        Assert.Equal(DeleteStatus.Deleted, (await _store.DeleteAsync(Key, WriteCondition.IfMatch(etag))).Status);
    }

    [Fact]
    public async Task A_write_whose_fate_nobody_can_tell_is_of_unknown_outcome()
    {
        await _direct.PutBytesAsync(Key, Bytes(5));
        bool isLost = false;
        _proxy.Plan = line =>
        {
            isLost |= IsPut(line);
            return new(isLost ? new TcpFault { DropAnswer = true } : null);
        };
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await _store.PutBytesAsync(Key, Bytes(10)));
        Assert.Equal((StorageErrorKind.Unavailable, WriteOutcome.Unknown, true), (error.Kind, error.Outcome, error.IsTransient));
    }

    [Fact]
    public async Task A_write_that_was_lost_while_another_won_is_of_unknown_outcome_and_undoes_nothing()
    {
        int puts = 0;
        _proxy.Plan = async line =>
        {
            if (!IsPut(line) || Interlocked.Increment(ref puts) > 1) return null;
            await _direct.PutBytesAsync(Key, Bytes(77));
            return new TcpFault { ResetRequestAfter = 0 };
        };
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () =>
            await _store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent }));
        Assert.Equal(WriteOutcome.Unknown, error.Outcome);
        Assert.Equal(Bytes(77), await _direct.GetBytesAsync(Key));
    }

    [Fact]
    public async Task A_busy_server_is_asked_again_when_it_says()
    {
        _proxy.FailNext(_ => true, Answering("503 Service Unavailable", "ServerBusy", "Retry-After: 1\r\n"));
        var time = Stopwatch.StartNew();
        Assert.True((await _store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent })).IsWritten);
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(0.95), TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task A_server_that_stays_busy_is_given_up_with_nothing_applied()
    {
        _proxy.FailNext(_ => true, Answering("503 Service Unavailable", "ServerBusy"), times: 1000);
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await _store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent }));
        Assert.Equal((StorageErrorKind.Unavailable, true, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
        Assert.Equal(5, _proxy.Requests.Count);
    }

    [Theory]
    [InlineData("403 Forbidden", "AuthenticationFailed", StorageErrorKind.AccessDenied, false)]
    [InlineData("403 Forbidden", "AuthorizationPermissionMismatch", StorageErrorKind.AccessDenied, false)]
    [InlineData("404 Not Found", "ContainerNotFound", StorageErrorKind.Unavailable, false)]
    [InlineData("409 Conflict", "BlobArchived", StorageErrorKind.Unsupported, false)]
    [InlineData("409 Conflict", "BlobBeingRehydrated", StorageErrorKind.Unavailable, true)]
    [InlineData("412 Precondition Failed", "LeaseIdMissing", StorageErrorKind.Unavailable, true)]
    [InlineData("413 Too Large", "RequestBodyTooLarge", StorageErrorKind.TooLarge, false)]
    [InlineData("507 Insufficient Storage", "", StorageErrorKind.Full, false)]
    [InlineData("501 Not Implemented", "NotImplemented", StorageErrorKind.Unsupported, false)]
    public async Task What_no_repetition_mends_is_told_at_once(string status, string code, StorageErrorKind kind, bool isTransient)
    {
        _proxy.FailNext(_ => true, Answering(status, code), times: 1000);
        StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await _store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent }));
        Assert.Equal((kind, isTransient, WriteOutcome.NotApplied), (error.Kind, error.IsTransient, error.Outcome));
        Assert.Single(_proxy.Requests);
        Assert.DoesNotContain(AzuriteServer.AccountKey, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signature_that_has_expired_is_access_denied_at_once_and_a_new_one_opens()
    {
        foreach (int minutes in (int[])[-5, 5])
        {
            string sas = server.Client.GetBlobContainerClient(_container).GenerateSasUri(BlobContainerSasPermissions.All, TimeProvider.System.GetUtcNow().AddMinutes(minutes)).Query;
            await using AzureBlobStore store = Open(o => o with { AccountKey = null, Sas = sas });
            int before = _proxy.Requests.Count;
            if (minutes > 0)
            {
                Assert.True((await store.PutBytesAsync(Key, Bytes(10))).IsWritten);
                continue;
            }

            StorageException error = await Assert.ThrowsAsync<StorageException>(async () => await store.PutBytesAsync(Key, Bytes(10), new WriteOptions { Condition = WriteCondition.IfAbsent }));
            Assert.Equal((StorageErrorKind.AccessDenied, WriteOutcome.NotApplied, 1), (error.Kind, error.Outcome, _proxy.Requests.Count - before));
            Assert.DoesNotContain("sig=", error.ToString(), StringComparison.Ordinal);
        }
    }

    private AzureBlobStore Open(Func<AzureBlobStoreOptions, AzureBlobStoreOptions> adjust) => AzureBlobStore.Open(adjust(server.OptionsFor(_container) with
    {
        Endpoint = new Uri(_proxy.Address, AzuriteServer.Account), ProgressTimeout = TimeSpan.FromSeconds(1), ServerWorkTimeout = TimeSpan.FromSeconds(5),
    }));

    private static BlobContent Once(byte[] bytes) => BlobContent.FromStream(new MemoryStream(bytes));

    private static TcpFault Answering(string status, string code, string headers = "") =>
        new() { Answer = $"HTTP/1.1 {status}\r\n{(code.Length > 0 ? $"x-ms-error-code: {code}\r\n" : "")}Content-Length: 0\r\nConnection: close\r\n{headers}\r\n" };

    private static bool IsGetOfKey(string line) => line.StartsWith("GET", StringComparison.Ordinal) && line.Contains("dir/blob", StringComparison.Ordinal);

    private static bool IsPut(string line) => line.StartsWith("PUT", StringComparison.Ordinal);

    private static bool IsChange(string line) => IsPut(line) || line.StartsWith("DELETE", StringComparison.Ordinal);

    private static bool IsBlock(string line) => IsPut(line) && line.Contains("comp=block&", StringComparison.Ordinal);

    private static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
