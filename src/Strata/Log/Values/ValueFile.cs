using System.Globalization;

namespace Strata;

/// <summary>A file of the <c>values</c> folder. What changes is changed under the lock of <see cref="ValueFiles"/>, but for its handle.</summary>
/// <remarks>
/// A file keeps its name for as long as it exists, and holds one value after another: renaming it would cost a sync of the
/// folder for each value, a third of what 1 MiB costs. So the id of a value says two things: the upper 40 bits which file,
/// the lower 24 which of its lives. Neither a file's number nor one of its lives is used twice.
/// </remarks>
internal sealed class ValueFile(ulong number, long capacity, ValueFileState state)
{
    public const string Folder = "values";
    private const string Extension = ".val";
    private const int LifeBits = 24, NumberDigits = 10;
    private const ulong MaxLife = (1UL << LifeBits) - 1;
    private readonly Lock _opening = new();
    private ILogFile? _handle;

    /// <summary>Numbers are less than this: 2^40.</summary>
    public const ulong Numbers = 1UL << (64 - LifeBits);

    public ulong Number { get; } = number;

    /// <summary>The value that is in it.</summary>
    public ulong Id { get; set; } = number << LifeBits;

    public ValueFileState State { get; private set; } = state;

    /// <summary>Bytes that the file has on the disk.</summary>
    public long Capacity { get; set; } = capacity;

    /// <summary>Bytes of the value, once it is whole.</summary>
    public long Length { get; set; }

    /// <summary>Who reads it now.</summary>
    public int Leases { get; set; }

    /// <summary>The change of the folder that its name came with (<see cref="ValueFolder"/>); 0 = durable.</summary>
    public long Change { get; set; }

    /// <summary>The log refers to it, and it was not there at the opening.</summary>
    public bool IsMissing { get; init; }

    /// <summary>A write or a sync of it failed: nobody knows what is on the medium, and it is not recycled.</summary>
    public bool IsInDoubt { get; set; }

    /// <summary>Why, if it was a sync.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Its place among the files whose handle is kept though nobody uses it.</summary>
    public LinkedListNode<ValueFile>? Idle { get; set; }

    public string Name => NameOf(Number);

    public static string NameOf(ulong number) => string.Create(CultureInfo.InvariantCulture, $"{Folder}/{number:x10}{Extension}");

    public static ulong NumberOf(ulong id) => id >> LifeBits;

    /// <summary>The number in the name of a file of the folder; null if it is none of ours.</summary>
    public static ulong? NumberIn(string name) =>
        name.Length == NumberDigits + Extension.Length && name.EndsWith(Extension, StringComparison.Ordinal)
        && ulong.TryParse(name.AsSpan(0, NumberDigits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong number)
        && NameOf(number).EndsWith(name, StringComparison.Ordinal)
            ? number
            : null;

    /// <summary>True if another value may follow this one.</summary>
    public bool HasAnotherLife => (Id & MaxLife) < MaxLife;

    /// <summary>The one way from a state to another.</summary>
    /// <exception cref="InvalidOperationException">There is no such way: an error in this code.</exception>
    public void Move(ValueFileState to)
    {
        bool isWay = (State, to) switch
        {
            (ValueFileState.Writing, ValueFileState.InUse or ValueFileState.Spare or ValueFileState.Gone) => true,
            (ValueFileState.InUse, ValueFileState.Retired) => true,
            (ValueFileState.Retired, ValueFileState.Spare or ValueFileState.Gone) => true,
            (ValueFileState.Spare, ValueFileState.Writing or ValueFileState.Gone) => true,
            _ => false,
        };
        if (!isWay) throw new InvalidOperationException($"The file {Name} cannot become {to}; it is {State}.");
        State = to;
        if (to == ValueFileState.Writing) Id++;
    }

    /// <summary>The open file. Whoever asks has a lease of it, or writes it.</summary>
    public ILogFile Open(ILogDisk disk)
    {
        lock (_opening) return _handle ??= disk.Open(Name);
    }

    /// <summary>Enters the handle of a file that was created.</summary>
    public void Opened(ILogFile handle) => _handle = handle;

    /// <summary>Gives the handle back. Nobody uses it.</summary>
    public void Close()
    {
        lock (_opening)
        {
            _handle?.Dispose();
            _handle = null;
        }
    }
}
