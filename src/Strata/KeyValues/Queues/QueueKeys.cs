using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Strata;

/// <summary>
/// Where a queue's messages lie: in the range of keys that begins with FF, which no tuple does. A message lies under the
/// time at which it is next to be delivered, so that what is due comes first; whoever takes it moves it to the end of
/// the lease. docs/formats/kv-queue.md
/// </summary>
/// <remarks>
/// <code>FF 71, length of the name, name, then
///   62                        rung at every message, so that listeners wake
///   64, due (u64 big-endian Unix ms), place in its write (u16 big-endian), versionstamp   a message
///   78, place in its write, versionstamp                                                  a dead letter</code>
/// The versionstamp is that of the enqueuing, as <see cref="KvMutationKind.SetVersionstampedKey"/> appends it; with the
/// place it is the message's id.
/// </remarks>
internal sealed class QueueKeys
{
    public const int MaxNameBytes = 100;
    private const byte Reserved = 0xFF, Queues = (byte)'q', Bells = (byte)'b', Messages = (byte)'d', DeadLetters = (byte)'x';
    private static readonly ulong Never = (ulong)DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");
    private const int IdBytes = sizeof(ushort) + 22;
    private readonly byte[] _prefix;

    public QueueKeys(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        if (bytes.Length > MaxNameBytes) throw new ArgumentException($"A queue's name has at most {MaxNameBytes} bytes, not {bytes.Length}.", nameof(name));
        _prefix = [Reserved, Queues, (byte)bytes.Length, .. bytes];
        Bell = Under(Bells);
    }

    /// <summary>Where all queues begin.</summary>
    public static ReadOnlyMemory<byte> First { get; } = new byte[] { Reserved, Queues };

    /// <summary>Where they end.</summary>
    public static ReadOnlyMemory<byte> End { get; } = new byte[] { Reserved, Queues + 1 };

    /// <summary>Behind all keys of this queue.</summary>
    public ReadOnlyMemory<byte> After => Under(byte.MaxValue);

    /// <summary>Set by everyone who enqueues.</summary>
    public ReadOnlyMemory<byte> Bell { get; }

    /// <summary>What the versionstamp is appended to.</summary>
    public byte[] NewMessage(DateTimeOffset due, int place)
    {
        byte[] key = Message(due, IdBytes);
        BinaryPrimitives.WriteUInt16BigEndian(key.AsSpan(key.Length - IdBytes), checked((ushort)place));
        return key[..^(IdBytes - sizeof(ushort))];
    }

    /// <summary>Where a message lies at another time.</summary>
    public byte[] Moved(ReadOnlyMemory<byte> message, DateTimeOffset due)
    {
        byte[] key = Message(due, IdBytes);
        message.Span[^IdBytes..].CopyTo(key.AsSpan(key.Length - IdBytes));
        return key;
    }

    /// <summary>Where it lies as a dead letter.</summary>
    public byte[] DeadLetter(ReadOnlyMemory<byte> message) => [.. _prefix, DeadLetters, .. message.Span[^IdBytes..]];

    /// <summary>Where a dead letter lies by its id.</summary>
    /// <returns>Null: that is no id.</returns>
    public byte[]? DeadLetter(string id)
    {
        if (id.Length != 2 * (sizeof(ushort) + Versionstamp.Bytes) || !ushort.TryParse(id.AsSpan(20), System.Globalization.NumberStyles.AllowHexSpecifier, null, out ushort place)) return null;
        byte[] key = [.. _prefix, DeadLetters, (byte)(place >> 8), (byte)place, 2, .. Encoding.ASCII.GetBytes(id[..20]), 0];
        return key;
    }

    /// <summary>A receipt as text: when the message is due, its id, and the versionstamp of the entry, in hexadecimal digits.</summary>
    public string ReceiptOf(QueueReceipt receipt) => $"{BinaryPrimitives.ReadUInt64BigEndian(receipt.Key.Span[(_prefix.Length + 1)..]):x16}{IdOf(receipt.Key)}{receipt.Stamp}";

    /// <summary>Reads what <see cref="ReceiptOf"/> wrote.</summary>
    /// <returns>Null: it is no receipt.</returns>
    public QueueReceipt? Receipt(string text)
    {
        const int DueDigits = 2 * sizeof(ulong), IdDigits = 2 * (sizeof(ushort) + Versionstamp.Bytes), StampDigits = 2 * Versionstamp.Bytes;
        if (text.Length != DueDigits + IdDigits + StampDigits || text.AsSpan().ContainsAnyExcept(Digits)) return null;
        byte[] due = Convert.FromHexString(text.AsSpan(0, DueDigits)), place = Convert.FromHexString(text.AsSpan(DueDigits + StampDigits, 2 * sizeof(ushort)));
        byte[] key = [.. _prefix, Messages, .. due, .. place, 2, .. Encoding.ASCII.GetBytes(text[DueDigits..(DueDigits + StampDigits)]), 0];
        return Versionstamp.TryParse(text[^StampDigits..], out Versionstamp stamp) && stamp.IsKnown ? new QueueReceipt(key, stamp) : null;
    }

    /// <summary>The id of a message or dead letter: 24 hexadecimal digits that sort in the order of enqueuing.</summary>
    public static string IdOf(ReadOnlyMemory<byte> key)
    {
        ReadOnlySpan<byte> id = key.Span[^IdBytes..];
        return string.Create(null, $"{Encoding.ASCII.GetString(id[3..^1])}{BinaryPrimitives.ReadUInt16BigEndian(id):x4}");
    }

    /// <summary>Whether a key among the messages is one that a queue wrote: others can write here too.</summary>
    public bool IsMessage(ReadOnlyMemory<byte> key) => key.Length == _prefix.Length + 1 + sizeof(ulong) + IdBytes;

    /// <summary>The queue that a key among those of all queues belongs to; null: it is none of a queue.</summary>
    public static string? NameOf(ReadOnlyMemory<byte> key)
    {
        const int Head = 3;
        ReadOnlySpan<byte> bytes = key.Span;
        if (bytes.Length <= Head || bytes[2] > MaxNameBytes || bytes.Length <= Head + bytes[2]) return null;
        ReadOnlySpan<byte> name = bytes.Slice(Head, bytes[2]);
        return System.Text.Unicode.Utf8.IsValid(name) ? Encoding.UTF8.GetString(name) : null;
    }

    /// <summary>When a message is due.</summary>
    public DateTimeOffset DueOf(ReadOnlyMemory<byte> message)
    {
        ulong due = BinaryPrimitives.ReadUInt64BigEndian(message.Span[(_prefix.Length + 1)..]);
        return due < Never ? DateTimeOffset.FromUnixTimeMilliseconds((long)due) : DateTimeOffset.MaxValue;
    }

    /// <summary>Messages due up to a time; null: all.</summary>
    public ReadRange MessagesUntil(DateTimeOffset? time, int limit, bool keysOnly = false) =>
        new(Under(Messages), time is { } until ? Message(until + TimeSpan.FromMilliseconds(1), 0) : Under(Messages + 1), limit, KeysOnly: keysOnly);

    public ReadRange AllDeadLetters(int limit, bool keysOnly = false) => new(Under(DeadLetters), Under(DeadLetters + 1), limit, KeysOnly: keysOnly);

    private byte[] Message(DateTimeOffset due, int more)
    {
        byte[] key = new byte[_prefix.Length + 1 + sizeof(ulong) + more];
        _prefix.CopyTo(key, 0);
        key[_prefix.Length] = Messages;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(_prefix.Length + 1), (ulong)Math.Max(0, due.ToUnixTimeMilliseconds()));
        return key;
    }

    private byte[] Under(int kind) => [.. _prefix, (byte)kind];
}
