using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Wire = Strata.KvConnect.Messages;

namespace Strata.KvConnect;

/// <summary>
/// A watch over the wire: reads what the server tells as it comes, whether or not anybody asks, and keeps the last state for
/// whoever asks next. Where the connection breaks off, or says nothing for longer than pings allow, it connects again.
/// </summary>
/// <remarks>
/// The first message of each connection is the whole state, so what changed in between is not lost. It asks an endpoint that
/// has the last state: after a reconnect another one might go back to an earlier one.
/// </remarks>
internal sealed class KvConnectWatch(KvConnectSessions sessions, KvConnectTransport transport, KvConnectOptions options, TimeProvider clock, ILogger log, ReadOnlyMemory<byte>[] keys)
{
    /// <summary>Servers that ping do so every few seconds; one that does not is only connected to again.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(30);

    private readonly byte[] _message = WireForm.Of((IReadOnlyList<ReadOnlyMemory<byte>>)keys).ToByteArray();
    private readonly Channel<KvEntry?[]> _states = Channel.CreateBounded<KvEntry?[]>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true, SingleWriter = true });

    /// <summary>The last state, as often as there is another; ends as the watch does.</summary>
    public ChannelReader<KvEntry?[]> States => _states.Reader;

    /// <summary>Follows the keys until it is ended, the server refuses, or what it says makes no sense; <see cref="States"/> tells which.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It is told to whoever reads the states.")]
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            for (int failures = 0; ; failures++)
            {
                long begun = clock.GetTimestamp();
                try
                {
                    await ListenAsync(cancellationToken).ConfigureAwait(false);
                }
                catch (StorageException e) when (KvConnectDatabase.MayRepeat(e))
                {
                    log.LogInformation(e, "The watch of {Database} broke off; it connects again", options.Name);
                }

                // One that breaks off at once, time after time, is not to be reconnected as fast as it breaks.
                if (clock.GetElapsedTime(begun) > Backoff.Longest) failures = 0;
                await Backoff.WaitAsync(failures, clock, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            _states.Writer.TryComplete(e);
        }
    }

    /// <summary>One connection, to its end.</summary>
    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        KvConnectSession session = await sessions.GetAsync(cancellationToken).ConfigureAwait(false);
        if (session.Version < Protocol.WatchVersion) throw new StorageException(StorageErrorKind.Unsupported, $"The server of {options} speaks version {session.Version} of the protocol; watches came with version {Protocol.WatchVersion}.") { Store = options.Name, Operation = "watch" };
        Uri endpoint = session.Strong.Current;
        using var silence = new CancellationTokenSource(options.Timeout, clock);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silence.Token);
        try
        {
            using HttpRequestMessage request = session.Request(endpoint, Protocol.Watch, _message);
            using HttpResponseMessage response = await transport.OpenAsync(request, ends.Token).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK) throw await transport.RefusalAsync(response, session, "watch", WriteOutcome.NotApplied, ends.Token).ConfigureAwait(false);
            session.Prove();
            Stream stream = await response.Content.ReadAsStreamAsync(ends.Token).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false)) await ReadAsync(stream, session, silence, ends.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Exception failure = e switch
            {
                HttpRequestException or IOException => transport.Broken(e, "watch", WriteOutcome.NotApplied),
                OperationCanceledException => transport.TimedOut(e, "watch", WriteOutcome.NotApplied),
                _ => e,
            };
            sessions.Judge(session, session.Strong, endpoint, failure);
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    private async Task ReadAsync(Stream stream, KvConnectSession session, CancellationTokenSource silence, CancellationToken cancellationToken)
    {
        byte[] head = new byte[Protocol.FrameBytes];
        for (var state = new KvEntry?[keys.Length]; ;)
        {
            silence.CancelAfter(LongestSilence);
            await stream.ReadExactlyAsync(head, cancellationToken).ConfigureAwait(false);
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(head);
            if (length == 0) continue;
            if (length > Protocol.MaxFrame) throw Senseless($"a message of {length} bytes; {Protocol.MaxFrame} are the most");
            byte[] frame = new byte[length];
            await stream.ReadExactlyAsync(frame, cancellationToken).ConfigureAwait(false);
            state = Next(state, frame, session);
            _states.Writer.TryWrite(state);
        }
    }

    private KvEntry?[] Next(KvEntry?[] before, byte[] frame, KvConnectSession session)
    {
        try
        {
            Wire.WatchOutput output = Wire.WatchOutput.Parser.ParseFrom(frame);
            if (output.Status == Wire.SnapshotReadStatus.SrReadDisabled)
            {
                sessions.Discard(session, isRefused: false);
                throw new StorageException(StorageErrorKind.Unavailable, $"The server of {options} serves no reads of this database now.") { Store = options.Name, Operation = "watch", IsTransient = true };
            }

            if (output.Status != Wire.SnapshotReadStatus.SrSuccess) throw Senseless($"the status {(int)output.Status}");
            if (output.Keys.Count != keys.Length) throw Senseless($"{output.Keys.Count} keys where {keys.Length} are watched");
            return [.. output.Keys.Select((key, i) => Next(before[i], key, keys[i]))];
        }
        catch (Exception e) when (e is FormatException or InvalidProtocolBufferException)
        {
            throw Senseless(e.Message, e);
        }
    }

    /// <summary>A key that is not said to have changed is as it was on this connection; at its beginning, absent.</summary>
    private static KvEntry? Next(KvEntry? before, Wire.WatchKeyOutput told, ReadOnlyMemory<byte> key)
    {
        if (told.EntryIfChanged is not { Versionstamp.Length: > 0 } message) return told.Changed ? null : before;
        KvEntry entry = WireForm.Of(message);
        return entry.Key.Span.SequenceEqual(key.Span) ? entry : throw new FormatException("an entry of another key than the one that is watched");
    }

    private StorageException Senseless(string what, Exception? inner = null) =>
        new(StorageErrorKind.Corrupt, $"The server of {options} sent to a watch: {what}.", inner) { Store = options.Name, Operation = "watch" };
}
