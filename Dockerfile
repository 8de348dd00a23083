# An image with nothing but the program: docker build -t plimsoll . && docker run --rm -v "$PWD:/work:ro" plimsoll lint

FROM rust:1.95-bookworm AS build
RUN rustup target add wasm32-unknown-unknown
WORKDIR /src
COPY . .
# A static program: what is said behind -- holds for its last step alone, which is where libraries are put in.
RUN cargo rustc --locked --release --package plimsoll --bin plimsoll -- -C target-feature=+crt-static \
    && cp target/release/plimsoll /plimsoll

FROM scratch
# Whom TLS is believed.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /plimsoll /plimsoll
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/plimsoll"]
CMD ["lint"]
