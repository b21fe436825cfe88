# One image, two entry points: vpn-exporter and alertbridge. Neither needs root or a capability (docker-compose.yml opens
# unprivileged ICMP sockets by a sysctl of the container).
ARG PYTHON=3.13-slim-trixie

FROM python:${PYTHON} AS build
WORKDIR /source
RUN python -m venv /opt/monitor
ENV PATH=/opt/monitor/bin:$PATH
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY httpservice httpservice
COPY exporter exporter
COPY alertbridge alertbridge
RUN pip install --no-cache-dir --disable-pip-version-check -c constraints.txt '.[postgresql]'

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="VPN site monitor" org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 monitor \
 && useradd --uid 10001 --gid monitor --no-create-home --home-dir /data --shell /usr/sbin/nologin monitor \
 && install -d -o monitor -g monitor /data
COPY --from=build /opt/monitor /opt/monitor
ENV PATH=/opt/monitor/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 9921 9922
CMD ["vpn-exporter", "--help"]
