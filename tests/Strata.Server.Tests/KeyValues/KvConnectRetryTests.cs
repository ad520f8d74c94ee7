using Strata.KvConnect;
using Xunit;
using static Strata.Server.Tests.ScriptedKvServer;
using Wire = Strata.KvConnect.Messages;

namespace Strata.Server.Tests;

/// <summary>What our client asks again, and what it never does: nothing may be applied twice, and nothing given up that only needs another try.</summary>
public sealed class KvConnectRetryTests : KvConnectClientTests
{
    [Fact]
    public async Task A_read_goes_on_after_a_server_that_fails_breaks_off_and_answers_half()
    {
        await PutAsync(7);
        await using KvConnectDatabase database = await OpenAsync();
        Server.Next(Read, Status(500), LostBefore, CutAfter, Status(503));
        Assert.Equal(7UL, await GetAsync(database));
        Assert.Equal(5, Server.Count(Read));
    }

    [Fact]
    public async Task A_read_is_given_up_after_its_retries()
    {
        await using KvConnectDatabase database = await OpenAsync(retries: 2);
        Server.Always(Read, Status(500, "the disk is gone"));
        StorageException e = await FailsAsync(StorageErrorKind.Unavailable, () => GetAsync(database));
        Assert.True(e.IsTransient);
        Assert.Contains("the disk is gone", e.Message, StringComparison.Ordinal);
        Assert.Equal(3, Server.Count(Read));
    }

    [Fact]
    public async Task A_read_that_has_no_answer_in_time_is_asked_again()
    {
        await PutAsync(7);
        await using KvConnectDatabase database = await OpenAsync(isClockFake: true);
        Server.Next(Read, Stall);
        Task<ulong?> read = GetAsync(database);
        await Eventually.HoldsAsync(() => Server.Count(Read) == 1, "The read was not sent.");
        Clock.Advance(TimeSpan.FromSeconds(29));
        Assert.False(read.IsCompleted);
        Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(7UL, await PassAsync(read));
        Assert.Equal(2, Server.Count(Read));
    }

    [Theory]
    [InlineData(301)]
    [InlineData(404)]
    [InlineData(408)]
    [InlineData(409)]
    [InlineData(413)]
    [InlineData(418)]
    [InlineData(429)]
    public async Task What_the_server_refuses_is_not_asked_again(int status)
    {
        await using KvConnectDatabase database = await OpenAsync();
        Server.Next(Read, Status(status, "no, and that is final"));
        Server.Next(Write, Status(status, "no, and that is final"));
        StorageException read = await Assert.ThrowsAsync<StorageException>(() => GetAsync(database));
        StorageException write = await Assert.ThrowsAsync<StorageException>(() => database.AtomicWriteAsync(Sum(1), Token).AsTask());
        Assert.Contains("no, and that is final", read.Message, StringComparison.Ordinal);
        Assert.Equal(WriteOutcome.NotApplied, read.Outcome);
        Assert.Equal(status == 409 ? WriteOutcome.Unknown : WriteOutcome.NotApplied, write.Outcome);
        Assert.Equal(status == 429, write.IsTransient);
        Assert.Equal((1, 1), (Server.Count(Read), Server.Count(Write)));
    }

    [Fact]
    public async Task What_the_server_does_not_take_is_the_callers_mistake()
    {
        await using KvConnectDatabase database = await OpenAsync();
        Server.Next(Read, Status(400, "too many"));
        Server.Next(Write, Status(400, "too many"));
        Assert.Contains("too many", (await Assert.ThrowsAsync<ArgumentException>(() => GetAsync(database))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => database.AtomicWriteAsync(Sum(1), Token).AsTask());
        Assert.Equal((1, 1), (Server.Count(Read), Server.Count(Write)));
    }

    [Fact]
    public async Task A_write_whose_answer_is_lost_is_not_sent_again()
    {
        await using KvConnectDatabase database = await OpenAsync();
        ScriptedAnswer[] answers = [LostAfter, LostBefore, CutAfter, Status(500), Status(502), Bytes([0xFF]), Message(new Wire.AtomicWriteOutput()), Message(new Wire.AtomicWriteOutput { Status = Wire.AtomicWriteStatus.AwSuccess })];
        for (int i = 0; i < answers.Length; i++)
        {
            Server.Next(Write, answers[i]);
            StorageException e = await Assert.ThrowsAsync<StorageException>(() => database.AtomicWriteAsync(Sum(1), Token).AsTask());
            Assert.True(e.Outcome == WriteOutcome.Unknown, $"Answer {i} leaves open whether it was applied: {e.Message}");
            Assert.Equal(i + 1, Server.Count(Write));
        }

        // The first and the third.
        Assert.Equal(2UL, await HeldAsync());
    }

    [Fact]
    public async Task A_write_that_has_no_answer_in_time_is_not_sent_again()
    {
        await using KvConnectDatabase database = await OpenAsync(isClockFake: true);
        Server.Next(Write, Stall);
        Task<CommitResult> write = database.AtomicWriteAsync(Sum(1), Token).AsTask();
        await Eventually.HoldsAsync(() => Server.Count(Write) == 1, "The write was not sent.");
        Clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(WriteOutcome.Unknown, (await FailsAsync(StorageErrorKind.Timeout, () => write)).Outcome);
        Assert.Equal(1, Server.Count(Write));
    }

    [Fact]
    public async Task A_write_that_certainly_was_not_applied_is_sent_again()
    {
        // Strata says by 5xx that nothing was applied, and that the 5xx is its own.
        await using KvConnectDatabase database = await OpenAsync();
        Server.Next(Write, Status(503, "shutting down", (Protocol.StrataHeader, "1")), Message(new Wire.AtomicWriteOutput { Status = Wire.AtomicWriteStatus.AwWriteDisabled }));
        Assert.True((await database.AtomicWriteAsync(Sum(1), Token)).IsCommitted);
        Assert.Equal(3, Server.Count(Write));
        Assert.Equal(1UL, await HeldAsync());
        Server.Next(Write, Status(507, "full", (Protocol.StrataHeader, "1")));
        Assert.Equal(WriteOutcome.NotApplied, (await FailsAsync(StorageErrorKind.Full, () => database.AtomicWriteAsync(Sum(1), Token).AsTask())).Outcome);
    }

    [Fact]
    public async Task Where_no_connection_is_made_nothing_was_applied()
    {
        await using KvConnectDatabase database = await OpenAsync(retries: 1);
        await Server.DisposeAsync();
        StorageException e = await FailsAsync(StorageErrorKind.Unavailable, () => database.AtomicWriteAsync(Sum(1), Token).AsTask());
        Assert.Equal((WriteOutcome.NotApplied, true), (e.Outcome, e.IsTransient));
    }

    [Fact]
    public async Task A_write_that_can_be_applied_once_only_is_sent_again()
    {
        Versionstamp stamp = await PutAsync(1);
        await using KvConnectDatabase database = await OpenAsync();
        Server.Next(Write, LostBefore, Status(500));
        CommitResult result = await database.AtomicWriteAsync(Set(2, new KvCheck(A, stamp)), Token);
        Assert.True(result.IsCommitted);
        Assert.Equal(3, Server.Count(Write));
        Assert.Equal(2UL, await HeldAsync());
    }

    [Fact]
    public async Task A_check_that_fails_after_a_lost_answer_tells_nothing()
    {
        // It was applied, and its own check fails on the second try: 'not committed' would be a lie.
        await using KvConnectDatabase database = await OpenAsync();
        foreach (ScriptedAnswer[] answers in (ScriptedAnswer[][])[[LostAfter], [LostAfter, Status(400)], [LostAfter, LostBefore, Status(401), Status(401)]])
        {
            Versionstamp stamp = await PutAsync(1);
            Server.Next(Write, answers);
            StorageException e = await FailsAsync(StorageErrorKind.Unavailable, () => database.AtomicWriteAsync(Set(2, new KvCheck(A, stamp)), Token).AsTask());
            Assert.Equal(WriteOutcome.Unknown, e.Outcome);
            Assert.Equal(2UL, await HeldAsync());
        }

        Versionstamp other = await PutAsync(1);
        Assert.False((await database.AtomicWriteAsync(Set(2, new KvCheck(A, other.Next())), Token)).IsCommitted);
    }

    [Fact]
    public async Task Checks_that_may_hold_again_do_not_make_a_second_try_safe()
    {
        Versionstamp stamp = await PutAsync(1);
        await using KvConnectDatabase database = await OpenAsync();
        AtomicWrite[] writes =
        [
            Set(2, new KvCheck(B, Versionstamp.None)),
            Set(2, new KvCheck(A, Versionstamp.None)),
            new() { Checks = [new KvCheck(B, stamp)], Mutations = [KvMutation.Sum(A, 1)] },
            new() { Checks = [new KvCheck(A, stamp)], Mutations = [KvMutation.SetVersionstampedKey(A, KvValue.OfUInt64(1))] },
        ];
        for (int i = 0; i < writes.Length; i++)
        {
            Server.Next(Write, LostBefore);
            AtomicWrite write = writes[i];
            Assert.Equal(WriteOutcome.Unknown, (await FailsAsync(StorageErrorKind.Unavailable, () => database.AtomicWriteAsync(write, Token).AsTask())).Outcome);
            Assert.Equal(i + 1, Server.Count(Write));
        }
    }

    [Fact]
    public async Task A_write_on_its_way_is_not_called_back()
    {
        await using KvConnectDatabase database = await OpenAsync();
        var released = new TaskCompletionSource();
        Server.Next(Write, Held(released.Task));
        using var cancel = new CancellationTokenSource();
        Task<CommitResult> write = database.AtomicWriteAsync(Sum(1), cancel.Token).AsTask();
        await Eventually.HoldsAsync(() => Server.Count(Write) == 1, "The write was not sent.");
        await cancel.CancelAsync();
        Assert.False(write.IsCompleted, "The write was left to its fate: nobody knows now whether it is applied.");
        released.SetResult();
        Assert.True((await write).IsCommitted);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => database.AtomicWriteAsync(Sum(1), cancel.Token).AsTask());
        Assert.Equal(1UL, await HeldAsync());
    }

    [Fact]
    public async Task A_read_is_called_back_at_once()
    {
        await using KvConnectDatabase database = await OpenAsync();
        Server.Next(Read, Stall);
        using var cancel = new CancellationTokenSource();
        Task read = database.SnapshotReadAsync([ReadRange.Of(A)], null, cancel.Token).AsTask();
        await Eventually.HoldsAsync(() => Server.Count(Read) == 1, "The read was not sent.");
        await cancel.CancelAsync();
        OperationCanceledException e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        Assert.Equal(cancel.Token, e.CancellationToken);
    }

    [Fact]
    public async Task Closing_waits_for_writes_and_ends_reads()
    {
        KvConnectDatabase database = await OpenAsync();
        var released = new TaskCompletionSource();
        Server.Next(Write, Held(released.Task));
        Server.Next(Read, Stall);
        Task<CommitResult> write = database.AtomicWriteAsync(Sum(1), Token).AsTask();
        Task read = GetAsync(database);
        await Eventually.HoldsAsync(() => Server.Active == 2, "Nothing was sent.");
        Task closing = database.DisposeAsync().AsTask();
        await FailsAsync(StorageErrorKind.Closed, () => read);
        Assert.False(closing.IsCompleted, "The database is closed, and a write has no answer yet.");
        released.SetResult();
        Assert.True((await write).IsCommitted);
        await closing;
    }

    [Fact]
    public async Task Closing_does_not_wait_for_a_next_try()
    {
        KvConnectDatabase database = await OpenAsync(isClockFake: true);
        Server.Always(Write, Status(503, "later", (Protocol.StrataHeader, "1")));
        Task<CommitResult> write = database.AtomicWriteAsync(Sum(1), Token).AsTask();
        await Eventually.HoldsAsync(() => Clock.ArmedTimers == 1 && Server.Active == 0 && Server.Count(Write) == 1, "The write is not waiting for its next try.");
        await database.DisposeAsync();
        Assert.Equal(WriteOutcome.NotApplied, (await FailsAsync(StorageErrorKind.Closed, () => write)).Outcome);
    }

    [Fact]
    public async Task An_answer_that_is_not_what_was_asked_for_is_refused()
    {
        await using KvConnectDatabase database = await OpenAsync();
        Versionstamp stamp = new(5);
        KvEntry a = new(A, KvValue.OfUInt64(1), stamp), b = new(B, KvValue.OfUInt64(1), stamp), far = new(new byte[] { 9 }, KvValue.OfUInt64(1), stamp);
        Wire.SnapshotReadOutput[] answers =
        [
            Output([b, a]), Output([a, a]), Output([far]), Output([a, b, far]), Output([a], [b]), Output(),
            new() { Status = Wire.SnapshotReadStatus.SrUnspecified, ReadIsStronglyConsistent = true, Ranges = { new Wire.ReadRangeOutput() } },
            new() { Status = Wire.SnapshotReadStatus.SrSuccess, ReadIsStronglyConsistent = true, Ranges = { new Wire.ReadRangeOutput { Values = { new Wire.KvEntry { Key = WireForm.Bytes(A), Encoding = (Wire.ValueEncoding)9 } } } } },
        ];
        Server.Next(Read, [.. answers.Select(Message), Bytes([0xFF, 0xFF]), Bytes(new byte[300_000])]);
        for (int i = 0; i < answers.Length + 2; i++) await FailsAsync(StorageErrorKind.Corrupt, () => database.SnapshotReadAsync([new ReadRange(new byte[] { 2 }, new byte[] { 3 }, 2)], null, Token).AsTask());
        Assert.Equal(answers.Length + 2, Server.Count(Read));

        static Wire.SnapshotReadOutput Output(params KvEntry[][] ranges) => WireForm.Of([.. ranges.Select(r => new KvRange(r))]);
    }

    [Fact]
    public async Task Values_are_dropped_where_keys_were_asked_for_and_the_server_does_not_know_how()
    {
        await PutAsync(7);
        await using KvConnectDatabase database = await OpenAsync();
        Assert.False(database.Capabilities.TellsExpiry);
        IReadOnlyList<KvRange> read = await database.SnapshotReadAsync([ReadRange.Of(A) with { KeysOnly = true }], null, Token);
        Assert.True(Assert.Single(read[0].Entries).Value.Data.IsEmpty);
        Assert.False(Wire.SnapshotRead.Parser.ParseFrom(Server.Requests.Last().Body).Ranges[0].KeysOnly, "A server that is not Strata's is sent what is Strata's own.");
    }

    [Fact]
    public async Task A_moment_before_1970_is_past_and_not_never()
    {
        await using KvConnectDatabase database = await OpenAsync();
        foreach (DateTimeOffset past in (DateTimeOffset[])[DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddMilliseconds(-1), DateTimeOffset.MinValue])
        {
            await database.AtomicWriteAsync(new AtomicWrite { Mutations = [KvMutation.Set(A, KvValue.OfUInt64(1), past)] }, Token);
            Assert.Equal(1, Wire.AtomicWrite.Parser.ParseFrom(Server.Requests.Last().Body).Mutations[0].ExpireAtMs);
        }
    }
}
