namespace Strata.Testing;

/// <summary>Names the type that a conformance class opens; one store may have several classes, one a configuration.</summary>
/// <param name="store">A type that implements <see cref="IBlobStore"/>.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ConformanceOfAttribute(Type store) : Attribute
{
    /// <summary>The store's type.</summary>
    public Type Store { get; } = store;
}
