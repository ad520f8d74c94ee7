using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Wire = Strata.KvConnect.Messages;

namespace Strata.KvConnect;

/// <summary>
/// A database on any server that speaks KV Connect: <c>strata serve</c>, Deno's, or another. The protocol is Deno's,
/// versions 1 to 3 (denokv, <c>proto/kv-connect.md</c>).
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the server's. A write is carried through once it is on its way, whether or not it is cancelled.
/// If its answer is lost the outcome is Unknown, and it is not sent again: a sum must not be applied twice. The exception is a
/// write that replaces or deletes an entry of which it checks that it is still that of a certain commit: the check can hold
/// once only, so it is sent again, and if the check fails then, the outcome is Unknown still.</para>
/// <para>Reads, and writes that certainly were not applied, are tried again; what the server refuses (4xx) is not, but for a
/// token that has run out. A watch connects again by itself, and tells what has changed meanwhile.</para>
/// <para>The limits are Deno's. Servers other than Strata's do not tell when entries expire, and send values where only keys
/// were asked for; these are dropped here. They may take less than the limits say, and say so by an
/// <see cref="ArgumentException"/>: Deno's read at most 1,000 entries in all ranges together.</para>
/// </remarks>
public sealed class KvConnectDatabase : IKvDatabase
{
    /// <summary>Bytes of an answer besides keys and values: tags, lengths, versionstamps.</summary>
    private const int EntryOverhead = 128, AnswerOverhead = 64 << 10;

    private readonly KvConnectOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly KvConnectTransport _transport;
    private readonly KvConnectSessions _sessions;
    private readonly OperationGate _gate;
    private readonly CancellationTokenSource _closing = new();

    private KvConnectDatabase(KvConnectOptions options, HttpMessageHandler handler, StoreContext context)
    {
        (_options, _clock) = (options, context.Clock);
        _log = context.Loggers.CreateLogger<KvConnectDatabase>();
        _gate = new OperationGate(options.Name);
        _transport = new KvConnectTransport(handler, options, context.Clock);
        _sessions = new KvConnectSessions(_transport, options, context.Clock, _log, _closing.Token);
        Capabilities = new KvCapabilities { Database = options.Name, Limits = options.Limits, WatchesOtherProcesses = true, TellsExpiry = false };
    }

    /// <inheritdoc/>
    public KvCapabilities Capabilities { get; private set; }

    /// <summary>Connects: asks the server where the database is.</summary>
    /// <param name="options">Where it is.</param>
    /// <param name="context">Clock and loggers.</param>
    /// <param name="handler">Carries the requests, and is disposed; null: one that follows no redirect.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="StorageException">The server cannot be reached, refuses the token, or does not speak the protocol.</exception>
    public static async ValueTask<KvConnectDatabase> OpenAsync(KvConnectOptions options, StoreContext? context = null, HttpMessageHandler? handler = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        var database = new KvConnectDatabase(options, handler ?? KvConnectTransport.HandlerFor(options), context ?? StoreContext.Default);
        try
        {
            KvConnectSession session = await database.RepeatAsync("open", token => database._sessions.GetAsync(token).AsTask(), cancellationToken).ConfigureAwait(false);
            database.Capabilities = database.Capabilities with { TellsExpiry = session.IsStrata };
            return database;
        }
        catch
        {
            await database.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken)
    {
        Capabilities.Limits.Check(ranges);
        using OperationGate.Pass pass = _gate.Enter("read");
        bool isStrong = options?.Consistency != KvConsistency.Eventual;
        return await RepeatAsync("read", token => ReadOnceAsync(ranges, isStrong, token), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken)
    {
        Capabilities.Limits.Check(write);
        using OperationGate.Pass pass = _gate.Enter("write");
        return await CommitAsync(write, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <remarks>What the server tells is read as it comes, and the last of it is kept for whoever asks next.</remarks>
    public IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken)
    {
        Capabilities.Limits.Check(keys);
        return WatchKeysAsync([.. keys.Select(k => (ReadOnlyMemory<byte>)k.ToArray())], cancellationToken);
    }

    /// <summary>Ends reads and watches, which find it closed, and waits for the writes under way: until their answers, or until their time is up.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        if (!await _gate.CloseAsync().ConfigureAwait(false)) return;
        await _sessions.CloseAsync().ConfigureAwait(false);
        _transport.Dispose();
    }

    /// <summary>Whether a failure is one that passes. What the server has refused is not asked again, though it may be right later: that is the caller's to decide.</summary>
    internal static bool MayRepeat(StorageException e) => e.IsTransient && e.InnerException is not HttpRequestException { StatusCode: HttpStatusCode.TooManyRequests };

    /// <summary>Does again, after a wait, what failed in a way that passes and has changed nothing.</summary>
    private async Task<T> RepeatAsync<T>(string operation, Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        try
        {
            for (int failures = 0; ; failures++)
            {
                try
                {
                    return await attempt(ends.Token).ConfigureAwait(false);
                }
                catch (StorageException e) when (failures < _options.Retries && MayRepeat(e))
                {
                    _log.LogInformation(e, "The {Operation} of {Database} is tried again", operation, _options.Name);
                }

                await Backoff.WaitAsync(failures, _clock, ends.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw StorageException.Closed(operation, _options.Name);
        }
    }

    /// <summary>As <see cref="RepeatAsync"/>; but once an attempt may have been applied, only a commit is an answer.</summary>
    private async Task<CommitResult> CommitAsync(AtomicWrite write, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        byte[] message = WireForm.Of(write).ToByteArray();
        StorageException? unknown = null;
        try
        {
            for (int failures = 0; ; failures++)
            {
                try
                {
                    CommitResult result = await WriteOnceAsync(message, ends.Token).ConfigureAwait(false);

                    // A check that fails now may have failed because the attempt whose answer was lost was applied.
                    return result.IsCommitted || unknown is null ? result : throw unknown;
                }
                catch (StorageException e) when (e != unknown && failures < _options.Retries && MayRepeat(e) && (e.Outcome == WriteOutcome.NotApplied || IsAppliedOnceAtMost(write)))
                {
                    if (e.Outcome == WriteOutcome.Unknown) unknown = e;
                    _log.LogInformation(e, "A write to {Database} is tried again", _options.Name);
                }

                await Backoff.WaitAsync(failures, _clock, ends.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (unknown is not null && e != unknown)
        {
            // What goes wrong now does not say what became of the attempt before.
            ExceptionDispatchInfo.Throw(unknown);
            throw;
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw StorageException.Closed("write", _options.Name);
        }
    }

    /// <summary>
    /// Whether it cannot be applied twice, whenever a second copy of it arrives: it checks that an entry is that of a certain
    /// commit, and puts an end to that. A check for absence is not enough: the entry may be deleted before the copy arrives.
    /// </summary>
    private static bool IsAppliedOnceAtMost(AtomicWrite write) =>
        write.Checks.Any(c => c.Versionstamp.IsKnown && write.Mutations.Any(m => m.Kind is KvMutationKind.Set or KvMutationKind.Delete && m.Key.Span.SequenceEqual(c.Key.Span)));

    private async Task<KvRange[]> ReadOnceAsync(IReadOnlyList<ReadRange> ranges, bool isStrong, CancellationToken cancellationToken)
    {
        KvConnectSession session = await _sessions.GetAsync(cancellationToken).ConfigureAwait(false);
        KvConnectEndpoints endpoints = isStrong ? session.Strong : session.Eventual;
        Uri endpoint = endpoints.Current;
        long most = AnswerOverhead + ranges.Sum(r => (long)r.Limit * (Capabilities.Limits.MaxKeyBytes + Capabilities.Limits.MaxValueBytes + EntryOverhead));
        byte[] message = WireForm.Of(ranges, session.IsStrata).ToByteArray();
        ReadOnlyMemory<byte> answer = await PostAsync(session, endpoints, Protocol.SnapshotRead, message, "read", WriteOutcome.NotApplied, Math.Min(most, Protocol.MaxAnswer), cancellationToken).ConfigureAwait(false);
        Wire.SnapshotReadOutput output = Parsed(Wire.SnapshotReadOutput.Parser, answer, "read", WriteOutcome.NotApplied);
        bool isDisabled = session.Version >= Protocol.StatusVersion ? output.Status == Wire.SnapshotReadStatus.SrReadDisabled : output.ReadDisabled;
        if (isDisabled || (isStrong && session.Version >= Protocol.ConsistencyVersion && !output.ReadIsStronglyConsistent))
        {
            endpoints.Failed(endpoint);
            _sessions.Discard(session, isRefused: false);
            throw Failed("read", StorageErrorKind.Unavailable, isDisabled ? "serves no reads of this database now" : "does not have the last state of this database now", isTransient: true);
        }

        if (session.Version >= Protocol.StatusVersion && output.Status != Wire.SnapshotReadStatus.SrSuccess) throw Failed("read", StorageErrorKind.Corrupt, $"answered a read with status {(int)output.Status}");
        if (output.Ranges.Count != ranges.Count) throw Failed("read", StorageErrorKind.Corrupt, $"answered {output.Ranges.Count} ranges where {ranges.Count} were asked for");
        try
        {
            return [.. WireForm.Of(output).Select((found, i) => Checked(found, ranges[i]))];
        }
        catch (FormatException e)
        {
            throw Failed("read", StorageErrorKind.Corrupt, $"answered what the protocol does not know: {e.Message}", inner: e);
        }
    }

    private async Task<CommitResult> WriteOnceAsync(byte[] message, CancellationToken cancellationToken)
    {
        KvConnectSession session = await _sessions.GetAsync(cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();

        // From here on nobody but the clock ends it: a write that is on its way cannot be called back.
        ReadOnlyMemory<byte> answer = await PostAsync(session, session.Strong, Protocol.AtomicWrite, message, "write", WriteOutcome.Unknown, AnswerOverhead, CancellationToken.None).ConfigureAwait(false);
        Wire.AtomicWriteOutput output = Parsed(Wire.AtomicWriteOutput.Parser, answer, "write", WriteOutcome.Unknown);
        switch (output.Status)
        {
            case Wire.AtomicWriteStatus.AwSuccess when Versionstamp.TryRead(output.Versionstamp.Span, out Versionstamp stamp) && stamp.IsKnown:
                return CommitResult.Committed(stamp);
            case Wire.AtomicWriteStatus.AwCheckFailure:
                return CommitResult.CheckFailed([.. output.FailedChecks.Select(i => (int)i)]);
            case Wire.AtomicWriteStatus.AwWriteDisabled:
                _sessions.Discard(session, isRefused: false);
                throw Failed("write", StorageErrorKind.Unavailable, "takes no writes to this database now", isTransient: true);
            default:
                throw Failed("write", StorageErrorKind.Corrupt, $"answered a write with status {(int)output.Status}", outcome: WriteOutcome.Unknown);
        }
    }

    private async Task<ReadOnlyMemory<byte>> PostAsync(KvConnectSession session, KvConnectEndpoints endpoints, string call, byte[] message, string operation, WriteOutcome broken, long most, CancellationToken cancellationToken)
    {
        Uri endpoint = endpoints.Current;
        using HttpRequestMessage request = session.Request(endpoint, call, message);
        try
        {
            return await _transport.SendAsync(request, operation, broken, ReadAsync, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StorageException or ArgumentException)
        {
            _sessions.Judge(session, endpoints, endpoint, e);
            throw;
        }

        async Task<ReadOnlyMemory<byte>> ReadAsync(HttpResponseMessage response, CancellationToken token)
        {
            if (response.StatusCode != HttpStatusCode.OK) throw await _transport.RefusalAsync(response, session, operation, broken, token).ConfigureAwait(false);
            session.Prove();
            return await _transport.ReadAsync(response, operation, broken, most, token).ConfigureAwait(false);
        }
    }

    private async IAsyncEnumerable<WatchUpdate> WatchKeysAsync(ReadOnlyMemory<byte>[] keys, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        var watch = new KvConnectWatch(_sessions, _transport, _options, _clock, _log, keys);
        Task following = FollowAsync(watch, _gate.Enter("watch"), ends.Token);
        try
        {
            for (KvEntry?[]? told = null; ;)
            {
                KvEntry?[] state = await NextAsync(watch, cancellationToken).ConfigureAwait(false);
                if (told is not null && !Differ(told, state)) continue;
                told = state;
                yield return new WatchUpdate(state);
            }
        }
        finally
        {
            await ends.CancelAsync().ConfigureAwait(false);
            await following.ConfigureAwait(false);
        }
    }

    private static async Task FollowAsync(KvConnectWatch watch, OperationGate.Pass pass, CancellationToken cancellationToken)
    {
        using (pass) await watch.RunAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<KvEntry?[]> NextAsync(KvConnectWatch watch, CancellationToken cancellationToken)
    {
        try
        {
            KvEntry?[]? state;
            while (!watch.States.TryRead(out state)) await watch.States.WaitToReadAsync(cancellationToken).ConfigureAwait(false);
            return state;
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw StorageException.Closed("watch", _options.Name);
        }
    }

    private static bool Differ(KvEntry?[] before, KvEntry?[] now)
    {
        for (int i = 0; i < now.Length; i++)
        {
            if (before[i]?.Versionstamp != now[i]?.Versionstamp) return true;
        }

        return false;
    }

    /// <summary>What was asked for and nothing else: whoever pages through a range relies on it.</summary>
    private static KvRange Checked(KvRange found, ReadRange range)
    {
        if (found.Entries.Count > range.Limit) throw new FormatException($"{found.Entries.Count} entries where at most {range.Limit} were asked for");
        for (int i = 0; i < found.Entries.Count; i++)
        {
            ReadOnlySpan<byte> key = found.Entries[i].Key.Span;
            if (!range.Contains(key)) throw new FormatException("an entry that is not within its range");
            if (i > 0 && Math.Sign(found.Entries[i - 1].Key.Span.SequenceCompareTo(key)) != (range.Reverse ? 1 : -1)) throw new FormatException("entries that are not in order");
        }

        return range.KeysOnly ? new KvRange([.. found.Entries.Select(e => e with { Value = e.Value with { Data = default } })]) : found;
    }

    private T Parsed<T>(MessageParser<T> parser, ReadOnlyMemory<byte> bytes, string operation, WriteOutcome outcome)
        where T : IMessage<T>
    {
        try
        {
            return parser.ParseFrom(bytes.Span);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Failed(operation, StorageErrorKind.Corrupt, "answered what is no message of the protocol", outcome: outcome, inner: e);
        }
    }

    private StorageException Failed(string operation, StorageErrorKind kind, string what, bool isTransient = false, WriteOutcome outcome = WriteOutcome.NotApplied, Exception? inner = null) =>
        new(kind, $"The server of {_options} {what}.", inner) { Store = _options.Name, Operation = operation, IsTransient = isTransient, Outcome = outcome };
}
