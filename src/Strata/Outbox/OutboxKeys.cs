using System.Buffers.Binary;
using System.Text;

namespace Strata;

/// <summary>Where an outbox's rows lie: in the range of keys that begins with FF. docs/formats/outbox.md</summary>
/// <remarks>
/// <code>FF 6F, length of the name, name, then
///   62            rung at every change, so that workers wake
///   63, key       a change that no worker has taken yet
///   70, key, 00, number (16 bytes)   a prepared intent
///   73, key       what is being sent, or waits for its next attempt
///   74, time (u64 big-endian Unix ms), key   when the lease ends or the wait is over
///   78, key       a dead letter</code>
/// </remarks>
internal sealed class OutboxKeys
{
    public const int MaxNameBytes = 100, MaxKeyBytes = 1_800, NumberBytes = 16;
    private const byte Outboxes = (byte)'o', Bells = (byte)'b', Changes = (byte)'c', Preparations = (byte)'p', States = (byte)'s', Times = (byte)'t', DeadLetters = (byte)'x';
    private readonly byte[] _prefix;

    public OutboxKeys(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        if (bytes.Length > MaxNameBytes) throw new ArgumentException($"An outbox's name has at most {MaxNameBytes} bytes, not {bytes.Length}.", nameof(name));
        _prefix = [KvReserved.First, Outboxes, (byte)bytes.Length, .. bytes];
        Bell = Under(Bells);
    }

    /// <summary>Set with every change.</summary>
    public byte[] Bell { get; }

    public byte[] Change(string key) => Under(Changes, key);

    public byte[] State(string key) => Under(States, key);

    public byte[] DeadLetter(string key) => Under(DeadLetters, key);

    public byte[] Preparation(string key, ReadOnlySpan<byte> number) => [.. Under(Preparations, key), 0, .. number];

    public byte[] Time(long time, string key)
    {
        byte[] row = new byte[_prefix.Length + 1 + sizeof(ulong) + Encoding.UTF8.GetByteCount(key)];
        TimeHead(row, time);
        Encoding.UTF8.GetBytes(key, row.AsSpan(_prefix.Length + 1 + sizeof(ulong)));
        return row;
    }

    /// <summary>What is due by a time, the earliest first.</summary>
    public ReadRange DueBy(long time, int limit) => new(Under(Times), TimeHead(new byte[_prefix.Length + 1 + sizeof(ulong)], time + 1), limit);

    /// <summary>What is due later than anything can be: the clock was set back.</summary>
    public ReadRange DueBeyond(long time, int limit) => new(TimeHead(new byte[_prefix.Length + 1 + sizeof(ulong)], time + 1), Under(Times + 1), limit);

    /// <summary>The first that is due after it.</summary>
    public ReadRange DueAfter(long time) => new(TimeHead(new byte[_prefix.Length + 1 + sizeof(ulong)], time + 1), Under(Times + 1), 1, KeysOnly: true);

    /// <summary>Changes from a row on.</summary>
    public ReadRange ChangesFrom(ReadOnlyMemory<byte>? first, int limit, bool keysOnly = false) => new(first ?? Under(Changes), Under(Changes + 1), limit, KeysOnly: keysOnly);

    public ReadRange StatesFrom(ReadOnlyMemory<byte>? first, int limit) => new(first ?? Under(States), Under(States + 1), limit);

    public ReadRange DeadLettersFrom(ReadOnlyMemory<byte>? first, int limit, bool keysOnly = false) => new(first ?? Under(DeadLetters), Under(DeadLetters + 1), limit, KeysOnly: keysOnly);

    public ReadRange PreparationsFrom(ReadOnlyMemory<byte>? first, int limit) => new(first ?? Under(Preparations), Under(Preparations + 1), limit);

    /// <summary>The key of a row of a change, a state or a dead letter.</summary>
    public string KeyOf(ReadOnlyMemory<byte> row) => Encoding.UTF8.GetString(row.Span[(_prefix.Length + 1)..]);

    public string KeyOfPreparation(ReadOnlyMemory<byte> row) => Encoding.UTF8.GetString(row.Span[(_prefix.Length + 1)..^(NumberBytes + 1)]);

    public (long Time, string Key) TimeOf(ReadOnlyMemory<byte> row)
    {
        ReadOnlySpan<byte> rest = row.Span[(_prefix.Length + 1)..];
        return ((long)BinaryPrimitives.ReadUInt64BigEndian(rest), Encoding.UTF8.GetString(rest[sizeof(ulong)..]));
    }

    /// <exception cref="ArgumentException">It is empty, too long, or holds a zero character.</exception>
    public static void Check(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (Encoding.UTF8.GetByteCount(key) > MaxKeyBytes) throw new ArgumentException($"A key of an outbox has at most {MaxKeyBytes} bytes, not {Encoding.UTF8.GetByteCount(key)}.", nameof(key));
    }

    private byte[] TimeHead(byte[] row, long time)
    {
        _prefix.CopyTo(row, 0);
        row[_prefix.Length] = Times;
        BinaryPrimitives.WriteUInt64BigEndian(row.AsSpan(_prefix.Length + 1), (ulong)Math.Max(0, time));
        return row;
    }

    private byte[] Under(int kind) => [.. _prefix, (byte)kind];

    private byte[] Under(byte kind, string key)
    {
        byte[] row = new byte[_prefix.Length + 1 + Encoding.UTF8.GetByteCount(key)];
        _prefix.CopyTo(row, 0);
        row[_prefix.Length] = kind;
        Encoding.UTF8.GetBytes(key, row.AsSpan(_prefix.Length + 1));
        return row;
    }
}
