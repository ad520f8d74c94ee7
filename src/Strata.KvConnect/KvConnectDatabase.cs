using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Wire = Strata.KvConnect.Messages;

namespace Strata.KvConnect;

/// <summary>
/// A database on any server that speaks KV Connect: <c>strata serve</c>, Deno's, or another. The protocol is Deno's,
/// versions 1 to 3 (denokv, <c>proto/kv-connect.md</c>).
/// </summary>
/// <remarks>
/// <para><b>Commit point:</b> the server's. A write whose answer was lost is reported with the outcome Unknown and is not sent
/// again: a sum must not be applied twice. Whoever wants it done for sure reads, or writes with a check.</para>
/// <para>Reads, and writes that certainly were not applied, are tried again. A watch connects again by itself, and tells what
/// has changed meanwhile.</para>
/// <para>The limits are Deno's. Servers other than Strata's do not tell when entries expire, and send values where only keys
/// were asked for; these are dropped here.</para>
/// </remarks>
public sealed class KvConnectDatabase : IKvDatabase
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(100), LongestWait = TimeSpan.FromSeconds(5), Early = TimeSpan.FromMinutes(1);

    /// <summary>Servers ping every few seconds; without a word for so long the connection is given up.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(30);

    private readonly KvConnectOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly HttpClient _http;
    private readonly SemaphoreSlim _opening = new(1, 1);
    private readonly CancellationTokenSource _closing = new();
    private KvConnectSession _session;

    private KvConnectDatabase(KvConnectOptions options, HttpClient http, KvConnectSession session, StoreContext context)
    {
        (_options, _http, _session, _clock) = (options, http, session, context.Clock);
        _log = context.Loggers.CreateLogger<KvConnectDatabase>();
        Capabilities = new KvCapabilities { Database = options.Name, Limits = options.Limits, WatchesOtherProcesses = true, TellsExpiry = session.IsStrata };
    }

    /// <inheritdoc/>
    public KvCapabilities Capabilities { get; }

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
        context ??= StoreContext.Default;
        var http = new HttpClient(handler ?? new SocketsHttpHandler { AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.All, ConnectTimeout = options.Timeout }) { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
        try
        {
            using var deadline = new Deadline(options, context.Clock, cancellationToken);
            KvConnectSession session = await Reached("open", options, WriteOutcome.NotApplied, deadline, token => KvConnectSession.OpenAsync(http, options, token), cancellationToken).ConfigureAwait(false);
            return new KvConnectDatabase(options, http, session, context);
        }
        catch
        {
            http.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<KvRange>> SnapshotReadAsync(IReadOnlyList<ReadRange> ranges, SnapshotReadOptions? options, CancellationToken cancellationToken)
    {
        Capabilities.Limits.Check(ranges);
        bool isStrong = options?.Consistency != KvConsistency.Eventual;
        byte[] answer = await CallAsync(Protocol.SnapshotRead, WireForm.Of(ranges), isStrong, isRead: true, cancellationToken).ConfigureAwait(false);
        Wire.SnapshotReadOutput output = Parsed(Wire.SnapshotReadOutput.Parser, answer);
        if (output.ReadDisabled || output.Status == Wire.SnapshotReadStatus.SrReadDisabled) throw Failed("read", "The server refuses reads of this database.", StorageErrorKind.Unavailable);
        if (output.Ranges.Count != ranges.Count) throw Failed("read", $"The server answered {output.Ranges.Count} ranges where {ranges.Count} were asked for.", StorageErrorKind.Corrupt);
        KvRange[] found = Formed(() => WireForm.Of(output));
        for (int i = 0; i < found.Length; i++)
        {
            if (ranges[i].KeysOnly) found[i] = new KvRange([.. found[i].Entries.Select(e => e with { Value = e.Value with { Data = default } })]);
        }

        return found;
    }

    /// <inheritdoc/>
    public async ValueTask<CommitResult> AtomicWriteAsync(AtomicWrite write, CancellationToken cancellationToken)
    {
        Capabilities.Limits.Check(write);
        byte[] answer = await CallAsync(Protocol.AtomicWrite, WireForm.Of(write), isStrong: true, isRead: false, cancellationToken).ConfigureAwait(false);
        Wire.AtomicWriteOutput output = Parsed(Wire.AtomicWriteOutput.Parser, answer);
        return output.Status switch
        {
            Wire.AtomicWriteStatus.AwSuccess when Versionstamp.TryRead(output.Versionstamp.Span, out Versionstamp stamp) && stamp.IsKnown => CommitResult.Committed(stamp),
            Wire.AtomicWriteStatus.AwCheckFailure => CommitResult.CheckFailed([.. output.FailedChecks.Select(i => (int)i)]),
            Wire.AtomicWriteStatus.AwWriteDisabled => throw Failed("write", "The server refuses writes to this database.", StorageErrorKind.AccessDenied),
            _ => throw new StorageException(StorageErrorKind.Corrupt, $"The server of {_options} answered a write with status {(int)output.Status}.") { Store = _options.Name, Operation = "write", Outcome = WriteOutcome.Unknown },
        };
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<WatchUpdate> WatchAsync(IReadOnlyList<ReadOnlyMemory<byte>> keys, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Capabilities.Limits.Check(keys);
        if (_session.Version < 3) throw new StorageException(StorageErrorKind.Unsupported, $"The server of {_options} speaks version {_session.Version} of the protocol; watches came with version 3.") { Store = _options.Name, Operation = "watch" };
        var message = new Wire.Watch();
        foreach (ReadOnlyMemory<byte> key in keys) message.Keys.Add(new Wire.WatchKey { Key = WireForm.Bytes(key) });
        byte[] body = message.ToByteArray();
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        KvEntry?[]? told = null;
        for (int failures = 0; ; failures++)
        {
            IAsyncEnumerator<KvEntry?[]> states = StatesAsync(body, keys.Count, ends.Token).GetAsyncEnumerator(ends.Token);
            await using (states.ConfigureAwait(false))
            {
                while (await NextAsync(states, failures, cancellationToken).ConfigureAwait(false) is { } state)
                {
                    failures = 0;
                    if (told is not null && !Differ(told, state)) continue;
                    told = state;
                    yield return new WatchUpdate(state);
                }
            }

            await WaitAsync(failures, ends.Token, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_closing.IsCancellationRequested) return;
        await _closing.CancelAsync().ConfigureAwait(false);
        _http.Dispose();
        _opening.Dispose();
    }

    private static bool Differ(KvEntry?[] before, KvEntry?[] now)
    {
        for (int i = 0; i < now.Length; i++)
        {
            if (before[i]?.Versionstamp != now[i]?.Versionstamp) return true;
        }

        return false;
    }

    /// <returns>Null: the connection is gone, and a new one is to be made.</returns>
    private async Task<KvEntry?[]?> NextAsync(IAsyncEnumerator<KvEntry?[]> states, int failures, CancellationToken cancellationToken)
    {
        try
        {
            return await states.MoveNextAsync().ConfigureAwait(false) ? states.Current : null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException || e is StorageException { IsTransient: true })
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_closing.IsCancellationRequested) throw StorageException.Closed("watch", _options.Name);
            _log.LogInformation(e, "The watch of {Database} broke off for the {Count}. time; it connects again", _options.Name, failures + 1);
            return null;
        }
    }

    private async IAsyncEnumerable<KvEntry?[]> StatesAsync(byte[] body, int keys, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        KvConnectSession session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        using HttpRequestMessage request = Request(session, session.Strong, Protocol.Watch, body);
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK) throw await RefusalAsync(response, session, "watch", WriteOutcome.NotApplied, cancellationToken).ConfigureAwait(false);
        Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            byte[] head = new byte[Protocol.FrameBytes];
            while (true)
            {
                await ReadAsync(stream, head, cancellationToken).ConfigureAwait(false);
                uint length = BinaryPrimitives.ReadUInt32LittleEndian(head);
                if (length == 0) continue;
                if (length > Protocol.MaxFrame) throw Failed("watch", $"The server sent a message of {length} bytes; {Protocol.MaxFrame} are the most.", StorageErrorKind.Corrupt);
                byte[] frame = new byte[length];
                await ReadAsync(stream, frame, cancellationToken).ConfigureAwait(false);
                Wire.WatchOutput output = Parsed(Wire.WatchOutput.Parser, frame);
                if (output.Status != Wire.SnapshotReadStatus.SrSuccess) throw Failed("watch", "The server refuses reads of this database.", StorageErrorKind.Unavailable);
                if (output.Keys.Count != keys) throw Failed("watch", $"The server told of {output.Keys.Count} keys where {keys} are watched.", StorageErrorKind.Corrupt);
                yield return Formed(() => output.Keys.Select(k => k.EntryIfChanged is { Versionstamp.Length: > 0 } entry ? WireForm.Of(entry) : null).ToArray());
            }
        }
    }

    private async Task ReadAsync(Stream stream, byte[] into, CancellationToken cancellationToken)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using ITimer timer = _clock.CreateTimer(static state => ((CancellationTokenSource)state!).Cancel(), silence, LongestSilence, System.Threading.Timeout.InfiniteTimeSpan);
        await stream.ReadExactlyAsync(into, silence.Token).ConfigureAwait(false);
    }

    private async Task<byte[]> CallAsync(string call, IMessage message, bool isStrong, bool isRead, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        byte[] body = message.ToByteArray();
        string operation = isRead ? "read" : "write";
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                using var deadline = new Deadline(_options, _clock, cancellationToken, _closing.Token);
                KvConnectSession session = await Reached("open", _options, WriteOutcome.NotApplied, deadline, SessionAsync, cancellationToken).ConfigureAwait(false);
                WriteOutcome broken = isRead ? WriteOutcome.NotApplied : WriteOutcome.Unknown;
                return await Reached(operation, _options, broken, deadline, token => SendAsync(session, isStrong ? session.Strong : session.Eventual, call, body, operation, broken, token), cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException e) when (_closing.IsCancellationRequested)
            {
                throw new StorageException(StorageErrorKind.Closed, $"Database '{_options.Name}' is closed.", e) { Store = _options.Name, Operation = operation, Outcome = e.Outcome };
            }
            catch (StorageException e) when (e.IsTransient && e.Outcome == WriteOutcome.NotApplied && attempt < _options.Retries)
            {
                _log.LogInformation(e, "The {Operation} of {Database} is tried again", operation, _options.Name);
            }

            await WaitAsync(attempt, cancellationToken, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<byte[]> SendAsync(KvConnectSession session, Uri endpoint, string call, byte[] body, string operation, WriteOutcome broken, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = Request(session, endpoint, call, body);
        using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.OK) return await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        throw await RefusalAsync(response, session, operation, broken, cancellationToken).ConfigureAwait(false);
    }

    private static HttpRequestMessage Request(KvConnectSession session, Uri endpoint, string call, byte[] body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(endpoint, call)) { Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(Protocol.MessageType) } } };
        session.Sign(request);
        return request;
    }

    private async Task<Exception> RefusalAsync(HttpResponseMessage response, KvConnectSession session, string operation, WriteOutcome broken, CancellationToken cancellationToken)
    {
        int status = (int)response.StatusCode;
        string text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        string message = $"The server of {_options} answered {status}: {(text.Length > 500 ? text[..500] : text)}";
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            // The token of the data path may have been changed before its time; a new one is asked for, once.
            bool isNew = Interlocked.CompareExchange(ref _session, session with { ExpiresAt = DateTimeOffset.MinValue }, session) == session;
            return new StorageException(StorageErrorKind.AccessDenied, message) { Store = _options.Name, Operation = operation, IsTransient = isNew && session.ExpiresAt > _clock.GetUtcNow() };
        }

        // What it was asked is wrong, and would be wrong again.
        if (response.StatusCode == HttpStatusCode.BadRequest) return new ArgumentException(message);
        return status >= 500
            ? new StorageException(StorageErrorKind.Unavailable, message) { Store = _options.Name, Operation = operation, IsTransient = true, Outcome = broken }
            : new StorageException(status == (int)HttpStatusCode.RequestEntityTooLarge ? StorageErrorKind.TooLarge : StorageErrorKind.Unsupported, message)
            {
                Store = _options.Name,
                Operation = operation,
                IsTransient = response.StatusCode == HttpStatusCode.TooManyRequests,
                Outcome = response.StatusCode == HttpStatusCode.Conflict ? broken : WriteOutcome.NotApplied,
            };
    }

    private async Task<KvConnectSession> SessionAsync(CancellationToken cancellationToken)
    {
        if (_closing.IsCancellationRequested) throw StorageException.Closed("open", _options.Name);
        KvConnectSession session = Volatile.Read(ref _session);
        if (session.ExpiresAt - Early > _clock.GetUtcNow()) return session;
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            session = Volatile.Read(ref _session);
            if (session.ExpiresAt - Early > _clock.GetUtcNow()) return session;
            session = await KvConnectSession.OpenAsync(_http, _options, cancellationToken).ConfigureAwait(false);
            Volatile.Write(ref _session, session);
            return session;
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>What a broken connection, or no answer in time, means for what was asked.</summary>
    private static async Task<T> Reached<T>(string operation, KvConnectOptions options, WriteOutcome broken, Deadline deadline, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call(deadline.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            // Where no connection was made, nothing was sent.
            bool isUnsent = e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;
            throw new StorageException(StorageErrorKind.Unavailable, $"The server of {options} cannot be reached: {e.Message}", e) { Store = options.Name, Operation = operation, IsTransient = true, Outcome = isUnsent ? WriteOutcome.NotApplied : broken };
        }
        catch (IOException e)
        {
            throw new StorageException(StorageErrorKind.Unavailable, $"The answer of the server of {options} broke off: {e.Message}", e) { Store = options.Name, Operation = operation, IsTransient = true, Outcome = broken };
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested || broken == WriteOutcome.Unknown)
        {
            throw new StorageException(StorageErrorKind.Timeout, $"The server of {options} has not answered within {options.Timeout}.", e) { Store = options.Name, Operation = operation, IsTransient = true, Outcome = broken };
        }
    }

    private async Task WaitAsync(int attempt, CancellationToken ends, CancellationToken cancellationToken)
    {
        TimeSpan wait = FirstWait * Math.Pow(2, Math.Min(attempt, 10));
        try
        {
            await Task.Delay(wait < LongestWait ? wait : LongestWait, _clock, ends).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw StorageException.Closed("watch", _options.Name);
        }
    }

    private T Parsed<T>(MessageParser<T> parser, byte[] bytes)
        where T : IMessage<T>
    {
        try
        {
            return parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new StorageException(StorageErrorKind.Corrupt, $"The server of {_options} sent what is no message of the protocol.", e) { Store = _options.Name };
        }
    }

    private T Formed<T>(Func<T> form)
    {
        try
        {
            return form();
        }
        catch (FormatException e)
        {
            throw new StorageException(StorageErrorKind.Corrupt, $"The server of {_options} sent what the protocol does not know: {e.Message}.", e) { Store = _options.Name };
        }
    }

    private StorageException Failed(string operation, string message, StorageErrorKind kind) => new(kind, message) { Store = _options.Name, Operation = operation };

    /// <summary>Ends a call that takes too long.</summary>
    private sealed class Deadline : IDisposable
    {
        private readonly CancellationTokenSource _ends;
        private readonly ITimer _timer;

        public Deadline(KvConnectOptions options, TimeProvider clock, params CancellationToken[] tokens)
        {
            _ends = CancellationTokenSource.CreateLinkedTokenSource(tokens);
            _timer = clock.CreateTimer(static state => ((CancellationTokenSource)state!).Cancel(), _ends, options.Timeout, System.Threading.Timeout.InfiniteTimeSpan);
        }

        public CancellationToken Token => _ends.Token;

        public void Dispose()
        {
            _timer.Dispose();
            _ends.Dispose();
        }
    }
}
