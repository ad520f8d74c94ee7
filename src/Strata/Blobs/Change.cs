namespace Strata;

/// <summary>A value to set, or 'leave it'. <c>default</c> leaves it.</summary>
public readonly record struct Change<T>
{
    private readonly T _value;

    /// <summary>A value to set. For interface types, from which C# converts nothing implicitly.</summary>
    public Change(T value)
    {
        _value = value;
        IsSet = true;
    }

    /// <summary>True if the value is to be set.</summary>
    public bool IsSet { get; }

    /// <summary>The new value if set, else <paramref name="current"/>.</summary>
    public T Or(T current) => IsSet ? _value : current;

    /// <summary>A value to set.</summary>
    public static implicit operator Change<T>(T value) => new(value);
}
