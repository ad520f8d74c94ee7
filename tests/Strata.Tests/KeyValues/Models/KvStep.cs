using System.Globalization;
using System.Text;

namespace Strata.Tests;

/// <summary>One step of a random sequence; what it depends on (time, versionstamps) is found out when it is taken.</summary>
internal abstract record KvStep
{
    /// <summary>Some are prefixes of others, and their bytes are the extremes.</summary>
    public static readonly byte[][] Keys = [[0], [0, 0], [0, 255], [97], [97, 0], [97, 98], [98], [255], [255, 255]];

    /// <summary>What a check expects.</summary>
    public enum Expected
    {
        Nothing,
        Current,
        Earlier,
    }

    /// <param name="Key">Which.</param>
    /// <param name="Expected">What.</param>
    public sealed record Check(int Key, Expected Expected)
    {
        public override string ToString() => $"key {Key} has {Expected}";
    }

    /// <param name="Kind">What is done.</param>
    /// <param name="Key">To which key.</param>
    /// <param name="Number">The number, or what the text is about.</param>
    /// <param name="IsText">A text, which nobody can count with.</param>
    /// <param name="ExpiresIn">Milliseconds from then on; null: never.</param>
    public sealed record Change(KvMutationKind Kind, int Key, ulong Number, bool IsText, int? ExpiresIn)
    {
        public KvValue Value => Kind == KvMutationKind.Delete ? default : IsText ? KvValue.OfBytes(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"text {Number}"))) : KvValue.OfUInt64(Number);

        public KvMutation At(DateTimeOffset now) => new() { Kind = Kind, Key = Keys[Key], Value = Value, Expires = ExpiresIn is { } after ? now.AddMilliseconds(after) : null };

        public override string ToString() => $"{Kind} key {Key}{(Kind == KvMutationKind.Delete ? "" : IsText ? $" text {Number}" : $" number {Number}")}{(ExpiresIn is { } after ? $" for {after} ms" : "")}";
    }

    /// <summary>An atomic write.</summary>
    public sealed record Write(Check[] Checks, Change[] Changes) : KvStep
    {
        public override string ToString() => $"write [{string.Join(", ", (object[])Checks)}] [{string.Join(", ", (object[])Changes)}]";
    }

    /// <param name="From">The key where it begins; -1: before all.</param>
    /// <param name="To">The key where it ends; -1: behind all.</param>
    /// <param name="Limit">Most entries.</param>
    /// <param name="Reverse">Falling.</param>
    /// <param name="KeysOnly">Without values.</param>
    public sealed record Range(int From, int To, int Limit, bool Reverse, bool KeysOnly)
    {
        public ReadRange Of() => new(From < 0 ? default : Keys[From], To < 0 ? new byte[] { 255, 255, 255 } : Keys[To], Limit, Reverse, KeysOnly);
    }

    /// <summary>A read of several ranges.</summary>
    public sealed record Read(Range[] Ranges) : KvStep
    {
        public override string ToString() => $"read {string.Join(", ", (object[])Ranges)}";
    }

    /// <summary>Time passes.</summary>
    public sealed record Pass(int Milliseconds) : KvStep
    {
        public override string ToString() => $"{Milliseconds} ms pass";
    }

    /// <summary>Somebody sets the clock back.</summary>
    public sealed record SetBack(int Milliseconds) : KvStep
    {
        public override string ToString() => $"the clock is set back by {Milliseconds} ms";
    }

    /// <summary>The database is closed and opened again; nothing where it is not durable.</summary>
    public sealed record Reopen : KvStep
    {
        public override string ToString() => "reopen";
    }
}
